import type { Command } from "commander";
import type { CommandHost } from "../command.ts";
import { completionScript, isShell, SHELLS } from "../completion-script.ts";
import { CommandFailure } from "../failure.ts";
import { Output } from "../output.ts";

export function define(command: Command, host: CommandHost): void {
  command
    .description("Print a script that completes commands and options in your shell.")
    .argument("<shell>", SHELLS.join(", "))
    .addHelpText(
      "after",
      `
Examples:
  cairn completion bash > ~/.local/share/bash-completion/completions/cairn
  cairn completion zsh > ~/.zfunc/_cairn           with ~/.zfunc in fpath
  cairn completion fish > ~/.config/fish/completions/cairn.fish`,
    )
    .action(async (shell: string) => {
      if (!isShell(shell)) {
        throw new CommandFailure(
          "usage",
          `${shell} is not a shell known here`,
          `it is one of ${SHELLS.join(", ")}`,
        );
      }
      const program = await host.wholeProgram();
      await new Output(host.context, {}).raw(completionScript(shell, program));
    });
}
