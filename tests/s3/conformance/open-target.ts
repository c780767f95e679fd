import { GatewayCluster } from "@cairnfs/gateway/testing/gateway-cluster";
import { type Target, targetOfEnvironment } from "./support/target.ts";

const ALT_EMAIL = "alt@example.com";

export interface OpenTarget extends Target {
  close(): Promise<void>;
}

/** The server that the environment names, or a whole cluster with a gateway in this process, its coordinator set so. */
export async function openTarget(
  env: NodeJS.ProcessEnv,
  coordinator: Readonly<Record<string, unknown>> = {},
): Promise<OpenTarget> {
  const elsewhere = targetOfEnvironment(env);
  if (elsewhere !== undefined) return { ...elsewhere, close: () => Promise.resolve() };
  const cluster = await GatewayCluster.open({ coordinator });
  const { access } = cluster.client;
  // Neither is the root user, which may do more than the owner of a bucket.
  await access.createUser("main");
  await access.createUser("alt", { email: ALT_EMAIL });
  const main = await access.createKey({ userName: "main" });
  const alt = await access.createKey({ userName: "alt" });
  return {
    endpoint: new URL(`http://${cluster.gateway.address}`),
    region: "us-east-1",
    main: { ...main, email: "" },
    alt: { ...alt, email: ALT_EMAIL },
    close: () => cluster[Symbol.asyncDispose](),
  };
}
