/** The status codes of gRPC, by their numbers on the wire. */
export const Code = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

/**
 * Who may try again: nobody, the same caller after a pause, or the caller at another replica.
 * "after-pause" alone does not make a call safe to repeat: it must be idempotent as well.
 */
export type Retry = "never" | "after-pause" | "other-replica";

interface ReasonRow {
  readonly code: Code;
  readonly retry: Retry;
  readonly meaning: string;
}

/**
 * The one error table. A reason is an API: rows are added, never renamed.
 * docs/reference/errors.md is made from it.
 */
export const Reason = {
  // What the caller asked for makes no sense, now or later.
  invalidArgument: {
    code: Code.invalidArgument,
    retry: "never",
    meaning: "an argument is not what the call takes",
  },
  invalidPath: {
    code: Code.invalidArgument,
    retry: "never",
    meaning: "a path or one of its components breaks the naming rules",
  },
  invalidConfig: {
    code: Code.invalidArgument,
    retry: "never",
    meaning: "a setting is unknown or has a value it cannot take",
  },
  rangeNotSatisfiable: {
    code: Code.outOfRange,
    retry: "never",
    meaning: "the byte range lies outside the file",
  },
  messageTooLarge: {
    code: Code.resourceExhausted,
    retry: "never",
    meaning: "a message is over the limit of 4 MiB",
  },
  unimplemented: {
    code: Code.unimplemented,
    retry: "never",
    meaning: "the peer does not know this call",
  },
  versionMismatch: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the peer speaks another version of the protocol",
  },

  // The namespace says no.
  pathNotFound: { code: Code.notFound, retry: "never", meaning: "nothing is at this path" },
  pathExists: { code: Code.alreadyExists, retry: "never", meaning: "the path is taken" },
  notADirectory: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "a component of the path is a file",
  },
  isADirectory: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the path is a directory and a file is needed",
  },
  directoryNotEmpty: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the directory has entries",
  },
  renameIntoSelf: {
    code: Code.invalidArgument,
    retry: "never",
    meaning: "a directory cannot move below itself",
  },
  preconditionFailed: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the entry is not in the state the caller asked for",
  },
  trashNotFound: {
    code: Code.notFound,
    retry: "never",
    meaning: "it is not in the trash, or not any more: it was restored or let go",
  },
  contentNotFound: {
    code: Code.notFound,
    retry: "never",
    meaning: "the content was replaced or removed, and its grace period is over",
  },
  changesTrimmed: {
    code: Code.outOfRange,
    retry: "never",
    meaning: "the change log does not reach back to this position any more",
  },

  // Objects and buckets.
  versionNotFound: {
    code: Code.notFound,
    retry: "never",
    meaning: "the object has no such version",
  },
  objectLocked: {
    code: Code.permissionDenied,
    retry: "never",
    meaning: "a retention or a legal hold keeps this version from being changed or removed",
  },
  conflictingState: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the bucket or object is in a state that does not allow this",
  },

  // Access.
  accessDenied: {
    code: Code.permissionDenied,
    retry: "never",
    meaning: "no policy allows this, or one denies it",
  },
  userNotFound: { code: Code.notFound, retry: "never", meaning: "there is no user of this name" },
  userExists: {
    code: Code.alreadyExists,
    retry: "never",
    meaning: "the name of the user is taken",
  },
  accessKeyNotFound: {
    code: Code.notFound,
    retry: "never",
    meaning: "there is no such access key",
  },
  accessKeyExists: {
    code: Code.alreadyExists,
    retry: "never",
    meaning: "the id of the access key is taken",
  },
  malformedPolicy: {
    code: Code.invalidArgument,
    retry: "never",
    meaning: "a policy document breaks the rules of the policy language",
  },

  // Uploads.
  uploadNotFound: {
    code: Code.notFound,
    retry: "never",
    meaning: "the upload session is unknown, expired or aborted",
  },
  uploadMismatch: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the chunks do not continue the upload where it stands",
  },
  receiptInvalid: {
    code: Code.permissionDenied,
    retry: "never",
    meaning: "a receipt does not prove that its node holds the chunk",
  },
  quorumNotReached: {
    code: Code.unavailable,
    retry: "other-replica",
    meaning: "fewer nodes than the write quorum stored the chunk",
  },
  chunkNeeded: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning:
      "chunks have to be sent, again or at all, under a fresh placement; chunkIds names some",
  },
  placementUnavailable: {
    code: Code.resourceExhausted,
    retry: "after-pause",
    meaning: "too few nodes with room are healthy",
  },

  // Chunks and their stores.
  chunkNotFound: {
    code: Code.notFound,
    retry: "other-replica",
    meaning: "the node does not hold this chunk",
  },
  chunkUnavailable: {
    code: Code.unavailable,
    retry: "after-pause",
    meaning: "none of the nodes that should hold the chunk gives it",
  },
  chunkCorrupt: {
    code: Code.dataLoss,
    retry: "other-replica",
    meaning: "the bytes are not what was written",
  },
  chunkMismatch: {
    code: Code.invalidArgument,
    retry: "never",
    meaning: "the bytes sent do not match their id, length or checksums",
  },
  storeFull: {
    code: Code.resourceExhausted,
    retry: "other-replica",
    meaning: "the node has no room for the chunk",
  },
  storeFailed: {
    code: Code.unavailable,
    retry: "other-replica",
    meaning: "the disk answered with an error",
  },
  storeForeign: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the data folder belongs to another node or cluster",
  },

  // Membership.
  nodeNotFound: { code: Code.notFound, retry: "never", meaning: "the cluster knows no such node" },
  nodeConflict: {
    code: Code.alreadyExists,
    retry: "never",
    meaning: "the node is registered with other properties",
  },
  nodeRemoved: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning:
      "the node was removed from the cluster: with an empty data folder it joins as a new one",
  },
  clusterMismatch: {
    code: Code.failedPrecondition,
    retry: "never",
    meaning: "the peer belongs to another cluster",
  },
  nodeNotReady: {
    code: Code.unavailable,
    retry: "other-replica",
    meaning: "the node has not joined the cluster yet",
  },

  // The way there, and the state of the peer.
  transactionConflict: {
    code: Code.aborted,
    retry: "after-pause",
    meaning: "another transaction changed what this one read",
  },
  overloaded: { code: Code.resourceExhausted, retry: "after-pause", meaning: "a queue is full" },
  peerGone: {
    code: Code.unavailable,
    retry: "other-replica",
    meaning: "the connection ended before the answer",
  },
  unreachable: {
    code: Code.unavailable,
    retry: "other-replica",
    meaning: "no connection could be made",
  },
  stalled: {
    code: Code.unavailable,
    retry: "other-replica",
    meaning: "the peer made no progress for too long",
  },
  protocolViolation: {
    code: Code.internal,
    retry: "other-replica",
    meaning: "the peer sent what the protocol does not allow",
  },
  shuttingDown: { code: Code.unavailable, retry: "other-replica", meaning: "the peer is stopping" },
  deadlineExceeded: {
    code: Code.deadlineExceeded,
    retry: "other-replica",
    meaning: "the answer did not come in time",
  },
  cancelled: { code: Code.cancelled, retry: "never", meaning: "the caller gave up" },
  permissionDenied: {
    code: Code.permissionDenied,
    retry: "never",
    meaning: "the caller may not do this",
  },
  internal: {
    code: Code.internal,
    retry: "never",
    meaning: "a bug: the server's log has the details",
  },
} as const satisfies Record<string, ReasonRow>;
export type Reason = keyof typeof Reason;

/** Numbers and ids that a program may want; a person reads the message. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export interface CairnErrorOptions {
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** What the world did wrong. Decide by `reason`, never by the text. */
export class CairnError extends Error {
  override readonly name = "CairnError";
  readonly reason: Reason;
  readonly details: ErrorDetails;

  constructor(reason: Reason, message: string, options: CairnErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.details = options.details ?? {};
  }

  get code(): Code {
    return Reason[this.reason].code;
  }

  get retry(): Retry {
    return Reason[this.reason].retry;
  }
}

/** Whether `error` is a CairnError with one of these reasons. */
export function hasReason(error: unknown, ...reasons: readonly Reason[]): error is CairnError {
  return error instanceof CairnError && reasons.includes(error.reason);
}

/** Whether a string from outside names a reason of the table. */
export function isReason(name: string): name is Reason {
  return Object.hasOwn(Reason, name);
}

/** The error behind an aborted signal: a CairnError as it is, anything else as `cancelled`. */
export function abortError(signal: AbortSignal): CairnError {
  const cause: unknown = signal.reason;
  if (cause instanceof CairnError) return cause;
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    return new CairnError("deadlineExceeded", "the deadline passed", { cause });
  }
  return new CairnError("cancelled", "the caller gave up", { cause });
}
