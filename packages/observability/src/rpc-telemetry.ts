import type { Clock } from "@cairnfs/base/clock";
import { CairnError, Code } from "@cairnfs/base/errors";
import type { Fields, Telemetry } from "@cairnfs/base/telemetry";
import {
  type CallOutcome,
  type ClientInterceptor,
  type IncomingCall,
  type OutgoingCall,
  observeCalls,
  REQUEST_ID,
  type ServerInterceptor,
} from "@cairnfs/protocol/rpc/interceptor";
import type { Metadata } from "@cairnfs/protocol/rpc/service";
import { METRICS } from "./metric-names.ts";

/**
 * Counts and times every call a server answers, and logs it with its request id: at debug when it went as calls go, at
 * warn when the server is to blame, at error when it is a bug.
 */
export function serverTelemetry(telemetry: Telemetry, clock: Clock): ServerInterceptor {
  const report = reporter<IncomingCall>("server", telemetry, ({ peer }) => ({ peer }));
  return observeCalls(clock, report);
}

/** Counts, times and logs every call a process makes, in the same way. */
export function clientTelemetry(telemetry: Telemetry, clock: Clock): ClientInterceptor {
  const report = reporter<OutgoingCall>("client", telemetry, ({ address }) => ({ address }));
  return observeCalls(clock, report);
}

interface Reported {
  readonly method: { readonly name: string };
  readonly metadata: Metadata;
}

/** The other side is at fault, or away: nothing this process can do about, and known to the caller. */
const ORDINARY: ReadonlySet<Code> = new Set([
  Code.cancelled,
  Code.invalidArgument,
  Code.notFound,
  Code.alreadyExists,
  Code.permissionDenied,
  Code.failedPrecondition,
  Code.aborted,
  Code.outOfRange,
  Code.unimplemented,
  Code.unauthenticated,
]);

function reporter<C extends Reported>(
  side: "server" | "client",
  { metrics, logger }: Telemetry,
  where: (call: C) => Fields,
) {
  const calls = `cairn_rpc_${side}_calls_total` as const;
  const seconds = `cairn_rpc_${side}_seconds` as const;
  const counter = metrics.counter(calls, METRICS[calls].help, METRICS[calls].labels);
  const histogram = metrics.histogram(seconds, METRICS[seconds].help, METRICS[seconds].labels);
  const text = side === "server" ? "call answered" : "call made";

  return (call: C, { durationMs, error }: CallOutcome) => {
    const method = call.method.name;
    const outcome = outcomeName(error);
    histogram.observe(durationMs / 1000, { method });
    counter.add(1, { method, outcome });
    const isWell = error === undefined || isOrdinary(error);
    if (isWell && logger.dropsDebug === true) return;
    const fields = {
      method,
      requestId: call.metadata.get(REQUEST_ID),
      ...where(call),
      durationMs: Math.round(durationMs * 1000) / 1000,
      outcome,
    };
    if (isWell) logger.debug(text, fields);
    else if (error instanceof CairnError && error.reason !== "internal") {
      logger.warn("call failed", fields, error);
    } else logger.error("call failed", fields, error);
  };
}

function isOrdinary(error: unknown): boolean {
  return error instanceof CairnError && ORDINARY.has(error.code);
}

function outcomeName(error: unknown): string {
  if (error === undefined) return "ok";
  return error instanceof CairnError ? error.reason : "internal";
}
