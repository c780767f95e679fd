import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  abortError,
  CairnError,
  Code,
  type ErrorDetails,
  isReason,
  type Reason,
} from "@cairnfs/base/errors";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/cairn/v1/common_pb.ts";
import { decodeMessage, encodeMessage, joinParts } from "./codec.ts";

/** A failure as it crosses a wire: the status of gRPC, and an encoded ErrorDetail beside it. */
export interface WireStatus {
  readonly code: number;
  readonly message: string;
  /** Empty when the peer is not one of ours. */
  readonly detail: Uint8Array;
}

/** What a code means that comes without a reason we know. */
const REASON_BY_CODE: ReadonlyMap<number, Reason> = new Map([
  [Code.cancelled, "cancelled"],
  [Code.invalidArgument, "invalidArgument"],
  [Code.deadlineExceeded, "deadlineExceeded"],
  [Code.notFound, "pathNotFound"],
  [Code.alreadyExists, "pathExists"],
  [Code.permissionDenied, "permissionDenied"],
  [Code.resourceExhausted, "overloaded"],
  [Code.failedPrecondition, "preconditionFailed"],
  [Code.aborted, "transactionConflict"],
  [Code.outOfRange, "rangeNotSatisfiable"],
  [Code.unimplemented, "unimplemented"],
  [Code.unavailable, "peerGone"],
  [Code.dataLoss, "chunkCorrupt"],
  [Code.unauthenticated, "permissionDenied"],
]);

/** The error as the wire carries it; `errorFromStatus` makes the same error of it again, but for its cause. */
export function statusOf(error: CairnError): WireStatus {
  return {
    code: error.code,
    message: error.message,
    detail: joinParts(encodeMessage(ErrorDetailSchema, errorDetailOf(error))),
  };
}

/** What an error is beside its message, for an answer that tells of failures. */
export function errorDetailOf(error: CairnError): MessageInitShape<typeof ErrorDetailSchema> {
  const details: Record<string, string> = {};
  for (const [name, value] of Object.entries(error.details)) details[name] = writeDetail(value);
  return { reason: error.reason, details };
}

/** The same error again. A reason that this release does not know becomes `fallback`. */
export function errorFromDetail(
  detail: Pick<ErrorDetail, "reason" | "details">,
  message: string,
  fallback: Reason = "internal",
): CairnError {
  const details: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(detail.details)) details[name] = readDetail(value);
  return new CairnError(isReason(detail.reason) ? detail.reason : fallback, message, { details });
}

/** The typed error behind a status. A reason that this release does not know becomes the nearest to its code. */
export function errorFromStatus(status: WireStatus): CairnError {
  const fallback = REASON_BY_CODE.get(status.code) ?? "internal";
  if (status.detail.byteLength === 0) return new CairnError(fallback, status.message);
  try {
    const detail = decodeMessage(ErrorDetailSchema, status.detail, "protocolViolation");
    return errorFromDetail(detail, status.message, fallback);
  } catch (cause) {
    // The code and the message stand, whatever is wrong with the rest.
    return new CairnError(fallback, status.message, { cause });
  }
}

/**
 * What the caller is told when a handler threw `error`: a CairnError as it is, the abort of the call as what
 * aborted it, anything else as `internal` without its text, which is for the log.
 */
export function errorOfHandler(error: unknown, signal: AbortSignal): CairnError {
  if (error instanceof CairnError) return error;
  if (signal.aborted) return abortError(signal);
  return new CairnError("internal", "the call failed; the log of the server says why", {
    cause: error,
  });
}

/*
 * Details are strings on the wire. A number or boolean is written plainly, and a string that would be read as one
 * is quoted, so that reading is the exact inverse.
 */
function writeDetail(value: ErrorDetails[string]): string {
  if (typeof value !== "string") return String(value);
  return typeof readDetail(value) === "string" && !value.startsWith('"')
    ? value
    : JSON.stringify(value);
}

function readDetail(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  if (text.startsWith('"')) return readQuoted(text);
  const number = Number(text);
  return text !== "" && String(number) === text ? number : text;
}

function readQuoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    // Another implementation's way to write strings: taken as it is.
    return text;
  }
}
