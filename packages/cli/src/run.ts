import { CommanderError } from "commander";
import type { CommandHost } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import type { Context, ProcessContext } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";
import { exitNumber, showFailure } from "./failure.ts";
import { buildProgram, commandPath, usageFailure } from "./program.ts";

/** Runs what the arguments ask for, tells what went wrong on stderr, and resolves with the exit code for the shell. */
export async function run(
  arguments_: readonly string[],
  { context, stoppedBy }: ProcessContext,
): Promise<number> {
  let exit: ExitCode = "ok";
  const host: CommandHost = {
    context,
    finishWith: (finished) => {
      exit = finished;
    },
    wholeProgram: () => buildProgram(host, () => true),
  };
  const wanted = commandName(arguments_);
  const ordered = commandFirst(arguments_, wanted);
  let path = wanted;
  try {
    const program = await buildProgram(host, (name) => name === wanted);
    if (wanted !== "") path = commandPath(program, ordered);
    await program.parseAsync([...ordered], { from: "user" });
  } catch (error) {
    const failure = error instanceof CommanderError ? usageFailure(error, path) : error;
    const stopped = stoppedBy();
    if (stopped !== undefined) return stoppedQuietly(context, stopped);
    if (failure === undefined) return 0;
    return tellFailure(context, failure, arguments_);
  }
  return exitNumber(stoppedBy() === "brokenPipe" ? "brokenPipe" : exit);
}

/** The first word that names a command: `help put` loads put. */
function commandName(arguments_: readonly string[]): string {
  const names = new Set(COMMANDS.map(({ name }) => name));
  return arguments_.find((word) => names.has(word)) ?? "";
}

/** `cairn --coordinator HOST:PORT ls` means what `cairn ls --coordinator HOST:PORT` does. */
function commandFirst(arguments_: readonly string[], command: string): readonly string[] {
  const at = arguments_.indexOf(command);
  const before = arguments_.slice(0, Math.max(at, 0));
  if (!before.some((word) => word.startsWith("--coordinator") || word === "--json")) {
    return arguments_;
  }
  return [command, ...before, ...arguments_.slice(at + 1)];
}

function stoppedQuietly(context: Context, stopped: ExitCode): number {
  if (stopped === "interrupted" && context.stderr.isTTY) context.stderr.write("\ninterrupted\n");
  return exitNumber(stopped);
}

function tellFailure(context: Context, error: unknown, arguments_: readonly string[]): number {
  const { exit, message, advice, reason } = showFailure(error);
  if (message === "") {
    if (advice !== undefined) context.stderr.write(`       ${advice}\n`);
    return exitNumber(exit);
  }
  if (arguments_.includes("--json")) {
    const document = { error: { reason, message, exitCode: exitNumber(exit), advice } };
    context.stderr.write(`${JSON.stringify(document)}\n`);
  } else {
    context.stderr.write(`cairn: ${message}\n`);
    if (advice !== undefined) context.stderr.write(`       ${advice}\n`);
  }
  return exitNumber(exit);
}
