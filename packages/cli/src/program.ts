import { Command, type CommanderError } from "commander";
import { type CommandHost, prepared } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import { CommandFailure } from "./failure.ts";
import { VERSION } from "./version.ts";

/**
 * The command line as commander knows it, with the commands of `names` loaded and the others known by name and summary
 * alone. Failures to parse are thrown, not exited on.
 */
export async function buildProgram(
  host: CommandHost,
  isLoaded: (name: string) => boolean,
): Promise<Command> {
  const program = prepared(new Command("cairn"), host)
    .description("CairnFS: many machines' disks, one file tree.")
    .version(VERSION, "-V, --version", "print the version")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText(
      "after",
      `
Paths in the cluster are written cairn:/photos/a.jpg where they could be mistaken for local ones.

Start here:
  cairn dev                              a cluster to try, in this terminal
  cairn put README.md cairn:/docs/       a file in
  cairn ls -l cairn:/docs
  cairn help put`,
    );
  for (const { name, group, summary, load } of COMMANDS) {
    const command = prepared(program.command(name), host);
    command.summary(summary).description(sentence(summary)).helpGroup(`${group}:`);
    if (isLoaded(name)) (await load()).define(command, host);
  }
  return program;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

/** The command that the words ask for, with its subcommand, as one types it: `node drain`. */
export function commandPath(program: Command, words: readonly string[]): string {
  const [name = "", next = ""] = words;
  const command = program.commands.find((candidate) => candidate.name() === name);
  const isSubcommand = command?.commands.some((candidate) => candidate.name() === next) === true;
  return isSubcommand ? `${name} ${next}` : name;
}

/** What commander refused, as our own failure; undefined when it only showed help or the version. */
export function usageFailure(error: CommanderError, command: string): CommandFailure | undefined {
  if (error.exitCode === 0) return undefined;
  // Help that was shown because nothing was asked for.
  if (error.code === "commander.help") return new CommandFailure("usage", "");
  const [message = "", hint] = error.message.replace(/^error: /u, "").split("\n");
  const help = command === "" ? "cairn --help" : `cairn ${command} --help`;
  const advice =
    hint === undefined ? `\`${help}\` shows what it takes` : hint.replace(/^\(|\)$/gu, "");
  return new CommandFailure("usage", message, advice);
}
