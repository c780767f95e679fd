import { CairnError } from "@cairnfs/base/errors";
import type { Logger } from "@cairnfs/base/telemetry";
import { errorDocument, textElement } from "../xml/write.ts";
import { S3Error, type S3ErrorCode } from "./errors.ts";
import type { RawRequest, S3Reply } from "./operation.ts";

/** The reply that tells of an error. A reply to HEAD has no body; only the status tells. */
export function errorReply(
  error: S3Error,
  request: Pick<RawRequest, "method" | "bucket" | "key" | "requestId"> | undefined,
  ids: { readonly requestId: string; readonly hostId: string },
): S3Reply {
  if (error.status === 304 || request?.method === "HEAD") {
    return { status: error.status, headers: error.headers };
  }
  const details = Object.entries(error.details).map(([name, value]) => textElement(name, value));
  const body = errorDocument(
    textElement("Code", error.code),
    textElement("Message", error.message),
    ...details,
    textElement("Resource", resourceOf(request)),
    textElement("RequestId", ids.requestId),
    textElement("HostId", ids.hostId),
  );
  return { status: error.status, headers: error.headers, body };
}

function resourceOf(request: Pick<RawRequest, "bucket" | "key"> | undefined): string {
  if (request === undefined || request.bucket === "") return "/";
  return request.key === "" ? `/${request.bucket}` : `/${request.bucket}/${request.key}`;
}

/**
 * What a client is told of what went wrong. The cluster's errors that an operation has not translated by itself are told by their
 * reasons; everything else is an internal error and logged.
 */
export function toS3Error(error: unknown, logger: Logger): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof CairnError) {
    if (error.reason === "objectLocked") return lockedError(error);
    const code = CODES[error.reason];
    if (code !== undefined) return new S3Error(code, { cause: error });
  }
  logger.error("a request failed", {}, error);
  return new S3Error("InternalError", { cause: error });
}

/** What is told of an object that is locked. */
export function lockedError(cause: unknown): S3Error {
  return new S3Error("AccessDenied", {
    message: "Access Denied because object protected by object lock.",
    cause,
  });
}

const CODES: Readonly<Partial<Record<CairnError["reason"], S3ErrorCode>>> = {
  accessDenied: "AccessDenied",
  accessKeyNotFound: "InvalidAccessKeyId",
  cancelled: "ClientClosedRequest",
  chunkUnavailable: "ServiceUnavailable",
  conflictingState: "InvalidBucketState",
  deadlineExceeded: "ServiceUnavailable",
  directoryNotEmpty: "BucketNotEmpty",
  invalidArgument: "InvalidArgument",
  invalidPath: "InvalidArgument",
  malformedPolicy: "MalformedPolicy",
  nodeNotReady: "ServiceUnavailable",
  overloaded: "SlowDown",
  pathNotFound: "NoSuchKey",
  peerGone: "ServiceUnavailable",
  permissionDenied: "AccessDenied",
  pathExists: "PreconditionFailed",
  placementUnavailable: "StorageFull",
  preconditionFailed: "PreconditionFailed",
  quorumNotReached: "ServiceUnavailable",
  rangeNotSatisfiable: "InvalidRange",
  shuttingDown: "ServiceUnavailable",
  stalled: "ServiceUnavailable",
  storeFull: "StorageFull",
  transactionConflict: "OperationAborted",
  unreachable: "ServiceUnavailable",
  uploadNotFound: "NoSuchUpload",
  versionNotFound: "NoSuchVersion",
};
