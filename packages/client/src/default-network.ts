import type { Network } from "@cairnfs/protocol/rpc/network";
import type { ClientConfig } from "./config.ts";

/** The network of clients that bring none of their own. Loaded when it is needed: others do without it. */
export async function defaultNetwork({ clock }: ClientConfig): Promise<Network> {
  const { FramedNetwork } = await import("@cairnfs/protocol/framed/framed-network");
  return new FramedNetwork({ clock });
}
