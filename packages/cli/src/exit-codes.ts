import { CairnError, Code } from "@cairnfs/base/errors";

/** What the exit code of a command means. docs/reference/exit-codes.md is made from this table. */
export const ExitCode = {
  ok: { code: 0, meaning: "everything asked for was done" },
  failed: { code: 1, meaning: "it failed for a reason without a code of its own" },
  usage: { code: 2, meaning: "the command line, a path or a setting makes no sense" },
  notFound: { code: 3, meaning: "nothing is at the path, here or in the cluster" },
  conflict: {
    code: 4,
    meaning: "what is there is in the way: taken, not empty, not of the kind needed",
  },
  denied: { code: 5, meaning: "not permitted" },
  noRoom: { code: 6, meaning: "no room: full disks, too few healthy nodes, a queue at its limit" },
  unreachable: { code: 7, meaning: "the cluster or the nodes needed do not answer" },
  dataLoss: { code: 8, meaning: "bytes are not what was written, and no good copy was found" },
  timedOut: { code: 9, meaning: "no answer in time" },
  partial: { code: 10, meaning: "some of the files failed, the others are done" },
  unhealthy: { code: 11, meaning: "the command worked; what it looked at is not well" },
  mended: { code: 12, meaning: "what was not well was mended, all of it" },
  bug: { code: 70, meaning: "a bug, here or in a server" },
  interrupted: { code: 130, meaning: "interrupted with Ctrl-C; nothing half-written is left" },
  brokenPipe: { code: 141, meaning: "who read the output went away" },
  terminated: { code: 143, meaning: "ended by SIGTERM; nothing half-written is left" },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;
export type ExitCode = keyof typeof ExitCode;

/** The register: every status a call can end with, and so every reason. */
export const EXIT_BY_STATUS = {
  [Code.ok]: "ok",
  [Code.cancelled]: "interrupted",
  [Code.unknown]: "failed",
  [Code.invalidArgument]: "usage",
  [Code.deadlineExceeded]: "timedOut",
  [Code.notFound]: "notFound",
  [Code.alreadyExists]: "conflict",
  [Code.permissionDenied]: "denied",
  [Code.resourceExhausted]: "noRoom",
  [Code.failedPrecondition]: "conflict",
  [Code.aborted]: "conflict",
  [Code.outOfRange]: "usage",
  [Code.unimplemented]: "failed",
  [Code.internal]: "bug",
  [Code.unavailable]: "unreachable",
  [Code.dataLoss]: "dataLoss",
  [Code.unauthenticated]: "denied",
} as const satisfies Record<Code, ExitCode>;

/** What the local system says no with. */
const EXIT_BY_SYSTEM_ERROR: Readonly<Record<string, ExitCode>> = {
  ENOENT: "notFound",
  EEXIST: "conflict",
  EISDIR: "conflict",
  ENOTDIR: "conflict",
  ENOTEMPTY: "conflict",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  ENOSPC: "noRoom",
  EDQUOT: "noRoom",
  EMFILE: "noRoom",
};

/** The exit code for what went wrong. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CairnError) return EXIT_BY_STATUS[error.code];
  const systemCode = systemCodeOf(error);
  if (systemCode !== undefined) return EXIT_BY_SYSTEM_ERROR[systemCode] ?? "failed";
  return "bug";
}

/** ENOENT and its like; undefined for what is no error of the system. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
