import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { CairnError, type Reason } from "@cairnfs/base/errors";

/** The names of system errors that the file system uses. */
export type ErrorCode = keyof typeof constants.errno;

/** What an error was about. */
export interface ErrorSubject {
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

/** An error as `node:fs` throws it: with `code`, `errno`, `syscall`, `path`, and Node's wording. */
export class FileSystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;

  constructor(code: ErrorCode, subject: ErrorSubject, cause?: unknown) {
    const number = constants.errno[code];
    const [, wording = code] = getSystemErrorMap().get(-number) ?? [];
    const { syscall, path, dest } = subject;
    const where = path === undefined ? "" : ` '${path}'`;
    const target = dest === undefined ? "" : ` -> '${dest}'`;
    super(
      `${code}: ${wording}, ${syscall}${where}${target}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.errno = -number;
    this.syscall = syscall;
    if (path !== undefined) this.path = path;
    if (dest !== undefined) this.dest = dest;
  }
}

/** Node's code for our reasons; the rest are EIO. */
const CODES = {
  pathNotFound: "ENOENT",
  pathExists: "EEXIST",
  notADirectory: "ENOTDIR",
  isADirectory: "EISDIR",
  directoryNotEmpty: "ENOTEMPTY",
  renameIntoSelf: "EINVAL",
  invalidPath: "EINVAL",
  invalidArgument: "EINVAL",
  rangeNotSatisfiable: "EINVAL",
  permissionDenied: "EACCES",
  preconditionFailed: "EBUSY",
  transactionConflict: "EBUSY",
  contentNotFound: "ESTALE",
  storeFull: "ENOSPC",
  placementUnavailable: "ENOSPC",
  overloaded: "EAGAIN",
  unreachable: "EHOSTUNREACH",
  peerGone: "ECONNRESET",
  stalled: "ETIMEDOUT",
  deadlineExceeded: "ETIMEDOUT",
  unimplemented: "ENOSYS",
} as const satisfies Partial<Record<Reason, ErrorCode>>;

/** `error` in Node's manner; what is not a CairnError stays as it is. */
export function nodeError(error: unknown, subject: ErrorSubject): unknown {
  if (!(error instanceof CairnError)) return error;
  if (error.reason === "cancelled") {
    const aborted = new Error("The operation was aborted", { cause: error });
    return Object.assign(aborted, { name: "AbortError", code: "ABORT_ERR" });
  }
  const codes: Partial<Record<Reason, ErrorCode>> = CODES;
  const isTooLong = error.reason === "invalidPath" && "sizeBytesMax" in error.details;
  return new FileSystemError(
    isTooLong ? "ENAMETOOLONG" : (codes[error.reason] ?? "EIO"),
    subject,
    error,
  );
}

/** Runs `task`; its failure comes as Node would throw it. */
export async function asNode<T>(subject: ErrorSubject, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw nodeError(error, subject);
  }
}
