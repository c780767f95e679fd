import { CairnError } from "@cairnfs/base/errors";

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** The parts of "host:port" or "[v6 address]:port"; anything else is refused as `invalidArgument`. */
export function parseAddress(address: string): HostAndPort {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/iu.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw new CairnError("invalidArgument", `an address is host:port, not ${address}`);
  }
  return { host, port };
}

/** The address with these parts. */
export function formatAddress({ host, port }: HostAndPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
