import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import {
  observeCalls,
  REQUEST_ID,
  type ServerInterceptor,
} from "@cairnfs/protocol/rpc/interceptor";

/** Logs the failures that are bugs, once and with the id of the request: the caller is told no more than `internal`. */
export function failureLog(logger: Logger, clock: Clock): ServerInterceptor {
  return observeCalls(clock, (call, { error }) => {
    const isOrdinary =
      error === undefined || (error instanceof CairnError && error.reason !== "internal");
    if (isOrdinary) return;
    const requestId = call.metadata.get(REQUEST_ID);
    logger.error("a call failed in an unforeseen way", { path: call.path, requestId }, error);
  });
}
