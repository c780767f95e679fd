import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Telemetry } from "@cairnfs/base/telemetry";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ClientInterceptor, ServerInterceptor } from "@cairnfs/protocol/rpc/interceptor";
import type { Network } from "@cairnfs/protocol/rpc/network";

/** What a coordinator works with, of the world outside. */
export interface CoordinatorParts {
  /** The metadata store; stays its maker's to close, after the coordinator. */
  readonly kv: KvStore;
  /** To listen on, and to reach datanodes. */
  readonly network: Network;
  /** To listen on for gRPC, where the configuration names an address. */
  readonly grpc?: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Around every call that is answered; without any, failures that are bugs are logged. */
  readonly interceptors?: readonly ServerInterceptor[];
  /** Around every call that the coordinator makes. */
  readonly clientInterceptors?: readonly ClientInterceptor[];
}
