import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function isShell(name: string): name is Shell {
  return SHELLS.some((shell) => shell === name);
}

/** A command as a shell completes it. */
interface Completed {
  /** "", "put", "cluster up" */
  readonly words: string;
  readonly summary: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly { readonly flag: string; readonly summary: string }[];
}

/** A script for the shell that knows every command and option of the program; elsewhere it completes local files. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = completed(program, []);
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      return zshScript(commands);
    case "fish":
      return fishScript(commands);
  }
}

function completed(command: Command, words: readonly string[]): Completed[] {
  const help = command.createHelp();
  const visible = help.visibleCommands(command);
  const own: Completed = {
    words: words.join(" "),
    summary: summaryOf(command),
    commands: visible.map((sub) => ({ name: sub.name(), summary: summaryOf(sub) })),
    options: help
      .visibleOptions(command)
      .flatMap((option) =>
        option.long === undefined || option.long === null
          ? []
          : [{ flag: option.long, summary: option.description }],
      ),
  };
  const below = visible
    .filter((sub) => sub.name() !== "help")
    .flatMap((sub) => completed(sub, [...words, sub.name()]));
  return [own, ...below];
}

function summaryOf(command: Command): string {
  return command.summary() || (command.description().split("\n")[0] ?? "").replace(/\.$/u, "");
}

function bashScript(commands: readonly Completed[]): string {
  const cases = commands
    .map(({ words, commands: below, options }) => {
      const candidates = [...below.map(({ name }) => name), ...options.map(({ flag }) => flag)];
      return `    ${quoted(words)}) words=${quoted(candidates.join(" "))} ;;`;
    })
    .join("\n");
  return `# bash completion for cairn
_cairn() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
${groupCases(commands)}
    esac
  done
  case "$command" in
${cases}
  esac
  COMPREPLY=()
  if [[ $current == -* || -z $command || " ${parents(commands)} " == *" $command "* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
  if [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _cairn cairn
`;
}

/** The cases that lead from a command and the next word to the command they mean. */
function groupCases(commands: readonly Completed[]): string {
  return commands
    .filter(({ words }) => words !== "")
    .map(({ words }) => {
      const at = words.lastIndexOf(" ");
      const parent = at === -1 ? "" : words.slice(0, at);
      return `      ${quoted(`${parent} ${words.slice(at + 1)}`)}) command=${quoted(words)} ;;`;
    })
    .join("\n");
}

function parents(commands: readonly Completed[]): string {
  return commands
    .filter((command) => command.words !== "" && command.commands.length > 0)
    .map(({ words }) => words)
    .join(" ");
}

function zshScript(commands: readonly Completed[]): string {
  const cases = commands
    .map(({ words, commands: below, options }) => {
      const rows = [
        ...below.map(({ name, summary }) => `${name}:${summary}`),
        ...options.map(({ flag, summary }) => `${flag}:${summary}`),
      ];
      return `    ${quoted(words)}) rows=(${rows.map((row) => quoted(row)).join(" ")}) ;;`;
    })
    .join("\n");
  return `#compdef cairn
_cairn() {
  local command="" word
  local -a rows
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command $word" in
${groupCases(commands)}
    esac
  done
  case "$command" in
${cases}
  esac
  if [[ $PREFIX == -* || -z $command || " ${parents(commands)} " == *" $command "* ]]; then
    _describe -t commands cairn rows
  else
    _files
  fi
}
if [[ $funcstack[1] == _cairn ]]; then _cairn "$@"; else compdef _cairn cairn; fi
`;
}

function fishScript(commands: readonly Completed[]): string {
  const lines: string[] = ["# fish completion for cairn", "complete -c cairn -e"];
  for (const { words, commands: below, options } of commands) {
    const condition = fishCondition(
      words,
      below.map(({ name }) => name),
    );
    for (const { name, summary } of below) {
      lines.push(`complete -c cairn -f -n ${condition} -a ${quoted(name)} -d ${quoted(summary)}`);
    }
    for (const { flag, summary } of options) {
      lines.push(`complete -c cairn -n ${condition} -l ${flag.slice(2)} -d ${quoted(summary)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishCondition(words: string, below: readonly string[]): string {
  const seen = words.split(" ").filter((word) => word !== "");
  const conditions = seen.map((word) => `__fish_seen_subcommand_from ${word}`);
  if (seen.length === 0) conditions.push("__fish_use_subcommand");
  else if (below.length > 0) conditions.push(`not __fish_seen_subcommand_from ${below.join(" ")}`);
  return quoted(conditions.join("; and "));
}

/** One word for any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("\n", " ").replaceAll("'", `'\\''`)}'`;
}
