import { type Clock, SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { ExitCode } from "./exit-codes.ts";

/** The process as commands may know it. */
export interface Context {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder the command was given in. */
  readonly folder: string;
  readonly clock: Clock;
  /** Fires when the user interrupts, or when who reads the output goes away. */
  readonly signal: AbortSignal;
}

/** The context of this process, and how it was told to stop, if it was. */
export interface ProcessContext {
  readonly context: Context;
  stoppedBy(): ExitCode | undefined;
}

/**
 * Listens to the signals that end a command: the first aborts what runs, so that nothing half-written is left; a second one
 * ends the process at once. A reader that goes away ends it quietly.
 */
export function processContext(): ProcessContext {
  const controller = new AbortController();
  let stoppedBy: ExitCode | undefined;
  const stop = (exit: ExitCode, why: string) => {
    stoppedBy ??= exit;
    controller.abort(new CairnError("cancelled", why));
  };
  for (const [signal, exit, number] of [
    ["SIGINT", "interrupted", 130],
    ["SIGTERM", "terminated", 143],
    ["SIGHUP", "terminated", 143],
  ] as const) {
    process.on(signal, () => {
      if (stoppedBy !== undefined) process.exit(number);
      stop(exit, exit === "interrupted" ? "interrupted" : "told to stop");
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
      stop("brokenPipe", "who read the output went away");
    });
  }
  return {
    context: {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      folder: process.cwd(),
      clock: new SystemClock(),
      signal: controller.signal,
    },
    stoppedBy: () => stoppedBy,
  };
}
