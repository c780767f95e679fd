import { parseAddress } from "@cairnfs/base/bind-address";
import { deadlineAfter } from "@cairnfs/base/clock";
import type { Command } from "commander";
import type { CommandHost } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { Output } from "../output.ts";

/** Of a coordinator, unless its settings say otherwise. */
const HTTP_ADDRESS = "127.0.0.1:7072";
/** More than a server gives its own checks. */
const ANSWER_WITHIN_MS = 4_000;

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  command
    .description(
      "Ask a server whether it is ready, and why not; exit code 11 when it is not. For health checks of containers and service managers.",
    )
    .argument("[address]", `its httpAddress (CAIRN_HTTP_ADDRESS, or ${HTTP_ADDRESS})`)
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  cairn ready\n  cairn ready 127.0.0.1:7082")
    .action(async (given: string | undefined, flags: { readonly json?: boolean }) => {
      const address = given ?? (context.env.CAIRN_HTTP_ADDRESS || HTTP_ADDRESS);
      if (parseAddress(address) === undefined) {
        throw new CommandFailure(
          "usage",
          `${address} is no address`,
          "an address is HOST:PORT, like 127.0.0.1:7072",
        );
      }
      const { status, text } = await readyzOf(address, host);
      const output = new Output(context, flags);
      if (output.isJson) await output.raw(text);
      else await output.lines(verdicts(text));
      if (status !== 200) host.finishWith("unhealthy");
    });
}

async function readyzOf(
  address: string,
  { context }: CommandHost,
): Promise<{ readonly status: number; readonly text: string }> {
  const deadline = deadlineAfter(context.clock, ANSWER_WITHIN_MS, context.signal);
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: deadline.signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    // fetch says "fetch failed" of everything; what matters is that nobody answered.
    if (!(error instanceof Error)) throw error;
    throw new CommandFailure(
      "unreachable",
      `nothing answers at http://${address}/readyz`,
      "httpAddress of the server says where it would",
    );
  } finally {
    deadline.release();
  }
}

function verdicts(text: string): string[] {
  const { status, checks }: { status: string; checks: Record<string, string> } = JSON.parse(text);
  return [status, ...Object.entries(checks).map(([name, verdict]) => `  ${name}: ${verdict}`)];
}
