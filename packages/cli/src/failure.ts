import { CairnError, type Reason } from "@cairnfs/base/errors";
import { ExitCode, exitCodeOf, systemCodeOf } from "./exit-codes.ts";
import { showName } from "./format.ts";

/** A failure that a command words itself, with what to do next. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exit: ExitCode;
  readonly advice: string | undefined;

  constructor(exit: ExitCode, message: string, advice?: string) {
    super(message);
    this.exit = exit;
    this.advice = advice;
  }
}

/** A failure as a person sees it: what failed, and what to do next. */
export interface ShownFailure {
  readonly exit: ExitCode;
  readonly message: string;
  readonly advice: string | undefined;
  /** The stable name of what went wrong, for scripts. */
  readonly reason: string;
}

const ADVICE: Partial<Record<Reason, string>> = {
  invalidConfig: "docs/reference/config.md lists every setting; --help lists the flags",
  invalidPath:
    'a path in the cluster looks like cairn:/photos/a.jpg; names have no "/" and at most 255 bytes',
  pathNotFound: "`cairn ls` shows what is there",
  pathExists: "choose another name, or remove what is there with `cairn rm`",
  notADirectory: "`cairn stat` shows what is at the path",
  isADirectory: "add -r to take a directory with all that is in it",
  directoryNotEmpty: "add -r to remove it with all that is in it",
  trashNotFound: "`cairn trash ls` shows what can be restored",
  contentNotFound: "it was replaced meanwhile: run the command again",
  uploadNotFound: "the upload was away for too long: run the command again",
  quorumNotReached:
    "`cairn status` shows which nodes are up; run the command again when enough are",
  placementUnavailable:
    "`cairn status` shows the nodes; each copy needs a healthy node with room, and `cairn df` shows what can be freed",
  storeFull:
    "`cairn df` shows the room left and what can be freed; empty the trash, remove files or add a node",
  chunkCorrupt:
    "`cairn status` shows how many chunks lack copies; the coordinator repairs what has a good one",
  unreachable: "is it running? `cairn dev` starts one here; --coordinator HOST:PORT names another",
  peerGone: "`cairn status` shows who is up; run the command again",
  stalled: "`cairn status` shows who is up; run the command again",
  shuttingDown: "run the command again when it is back",
  deadlineExceeded: "`cairn status` shows who is up; run the command again",
  overloaded: "run the command again, or with a smaller --parallel",
  transactionConflict: "run the command again",
  versionMismatch: "`cairn --version` and `cairn status` show the releases on both sides",
  userNotFound: "`cairn user ls` shows the users, `cairn user create NAME` makes one",
  userExists: "`cairn user ls` shows the users; choose another name",
  accessKeyNotFound: "`cairn key ls` shows the access keys, `cairn key create` makes one",
  malformedPolicy: "`cairn user policy --help` shows policies that need not be written",
  internal: "that is a bug; the coordinator's log has the details",
};

/** Puts any failure into words and an exit code. */
export function showFailure(error: unknown): ShownFailure {
  if (error instanceof CommandFailure) {
    return { exit: error.exit, message: error.message, advice: error.advice, reason: error.exit };
  }
  const exit = exitCodeOf(error);
  if (error instanceof CairnError) {
    return {
      exit,
      message: shown(error.message),
      advice: ADVICE[error.reason],
      reason: error.reason,
    };
  }
  const code = systemCodeOf(error);
  if (code !== undefined) {
    return { exit, message: systemMessage(error, code), advice: undefined, reason: code };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exit,
    message,
    advice: "that is a bug: please report it with the lines above",
    reason: "bug",
  };
}

/** The code number that the shell sees. */
export function exitNumber(exit: ExitCode): number {
  return ExitCode[exit].code;
}

const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder here",
  EEXIST: "is there already",
  EISDIR: "is a folder",
  ENOTDIR: "a part of the path is no folder",
  EACCES: "not permitted",
  EPERM: "not permitted",
  ENOSPC: "no room on the local disk",
};

function systemMessage(error: unknown, code: string): string {
  const path = error instanceof Error && "path" in error ? error.path : undefined;
  const message = SYSTEM_MESSAGES[code] ?? (error instanceof Error ? error.message : code);
  return typeof path === "string" ? `${showName(path)}: ${message}` : message;
}

/** Lines stay lines; everything else that steers a terminal is shown instead of done. */
function shown(message: string): string {
  return message.split("\n").map(showName).join("\n");
}
