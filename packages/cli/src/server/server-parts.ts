import { refusePublicBind } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import type { Closable, Lifecycle } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import { AdminHttp, type ReadinessCheck } from "@cairnfs/observability/admin-http";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import type { Network } from "@cairnfs/protocol/rpc/network";
import type { ProcessTelemetry } from "./telemetry.ts";

export interface ServerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: ProcessTelemetry;
}

/** An access key of the root user, with its secret. */
export interface RootKey {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** A server that is up, and where. */
export interface RunningServer extends Closable {
  readonly address: string;
  readonly grpcAddress?: string | undefined;
  readonly httpAddress?: string | undefined;
  /** Of a gateway: the first access key, made at this start; it is told once. */
  readonly rootKey?: RootKey | undefined;
  /** Of a datanode: whether the coordinator has said that it was removed from the cluster. */
  wasRemoved?(): boolean;
}

/** The networks that a server listens on: framed always, gRPC where it has an address. */
export async function networksFor(
  config: { readonly grpcAddress: string },
  { clock }: ServerParts,
): Promise<{ readonly network: Network; readonly grpc?: Network }> {
  const network = new FramedNetwork({ clock });
  if (config.grpcAddress === "") return { network };
  // Loaded where it is offered: it takes longer than all the rest.
  const { GrpcNetwork } = await import("@cairnfs/protocol/grpc/grpc-network");
  return { network, grpc: new GrpcNetwork({ clock }) };
}

interface AdminSettings {
  readonly httpAddress: string;
  readonly allowInsecureBind: boolean;
}

/** Serves metrics and health where the settings say so, until the lifecycle closes. */
export async function openAdmin(
  { httpAddress, allowInsecureBind }: AdminSettings,
  { clock, telemetry }: ServerParts,
  checks: readonly ReadinessCheck[],
  lifecycle: Lifecycle,
): Promise<string | undefined> {
  if (httpAddress === "") return undefined;
  refusePublicBind({ setting: "httpAddress", address: httpAddress }, allowInsecureBind);
  const { logger, metrics } = telemetry;
  const admin = lifecycle.add(
    await AdminHttp.open({ address: httpAddress, clock, logger, metrics, checks }),
  );
  return admin.address;
}
