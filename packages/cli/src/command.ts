import type { Command } from "commander";
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";

/** What a command's module gives: it adds options and an action to its command. */
export interface CommandModule {
  define(command: Command, host: CommandHost): void;
}

/** What runs a command. */
export interface CommandHost {
  readonly context: Context;
  /** The exit code when the action returns without throwing; `ok` unless told otherwise. */
  finishWith(exit: ExitCode): void;
  /** The command line with every command loaded. */
  wholeProgram(): Promise<Command>;
}

/** A subcommand that behaves as its parent does. */
export function subcommand(parent: Command, host: CommandHost, name: string): Command {
  return prepared(parent.command(name), host);
}

/** The command, told how to speak and to throw where it would exit. */
export function prepared(command: Command, { context }: CommandHost): Command {
  const { stdout, stderr } = context;
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .helpOption("-h, --help", "show this help")
    .configureHelp({ helpWidth: Math.min(stdout.columns || 100, 110), showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      // What is wrong is told once, by `run`.
      outputError: () => undefined,
    });
}
