import { createInterface } from "node:readline/promises";
import type { Context } from "./context.ts";
import { CommandFailure } from "./failure.ts";

/**
 * Asks on a terminal whether to go on, and throws unless the answer is yes. Without a terminal there is nobody to ask: then
 * the command line must have said so.
 */
export async function confirm(
  context: Context,
  question: string,
  isConfirmed: boolean | undefined,
): Promise<void> {
  if (isConfirmed === true) return;
  const { stdin, stderr, signal } = context;
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new CommandFailure(
      "usage",
      "nobody is there to be asked",
      "add -y to go on without a question",
    );
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    if (/^y(?:es)?$/iu.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new CommandFailure("failed", "nothing was done");
}
