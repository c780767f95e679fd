import { readFile } from "node:fs/promises";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { Command, CommanderError } from "commander";
import { beforeAll, expect, test } from "vitest";
import type { CommandHost } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import { completionScript, SHELLS } from "./completion-script.ts";
import { buildProgram, commandPath, usageFailure } from "./program.ts";
import { VERSION } from "./version.ts";

const host: CommandHost = {
  context: {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: {},
    folder: "/",
    clock: new SimClock(),
    signal: new AbortController().signal,
  },
  finishWith: () => undefined,
  wholeProgram: () => buildProgram(host, () => true),
};
let program: Command;

// Every command is loaded, with all that it imports.
beforeAll(async () => {
  program = await buildProgram(host, () => true);
}, 60_000);

test("every command has a description and help that ends with examples", () => {
  expect(program.commands.map((command) => command.name()).sort()).toEqual(
    COMMANDS.map(({ name }) => name).sort(),
  );
  for (const command of program.commands) {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help, command.name()).toMatch(/Examples:\n {2}\S/u);
    expect(command.description().length, command.name()).toBeGreaterThan(20);
  }
});

test("a subcommand that is not loaded is in the help all the same", async () => {
  const bare = await buildProgram(host, () => false);
  for (const { name, summary } of COMMANDS) {
    expect(bare.helpInformation()).toMatch(new RegExp(`^ {2}${name} +${summary}$`, "mu"));
  }
});

test("completion knows every command and every option, in all shells", () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, program);
    for (const command of program.commands) {
      expect(script).toContain(command.name());
      for (const option of command.options) {
        expect(script, `${shell} ${command.name()}`).toContain(option.long?.slice(2));
      }
    }
  }
});

test("what is wrong with a command line is told with what to do next", async () => {
  const refusal = async (...words: string[]) => {
    const fresh = await buildProgram(host, () => true);
    const error = await fresh
      .parseAsync(words, { from: "user" })
      .catch((caught: unknown) => caught);
    return usageFailure(error as CommanderError, words[0] ?? "");
  };
  expect(await refusal("ls", "--lnog")).toMatchObject({
    exit: "usage",
    message: "unknown option '--lnog'",
    advice: "Did you mean --long?",
  });
  expect(await refusal("put")).toMatchObject({ advice: "`cairn put --help` shows what it takes" });
  expect((await refusal("bench", "put", "--size", "8M"))?.message).toContain(
    "expected a size like 8MiB",
  );
});

test("the release is that of the package", async () => {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  expect(JSON.parse(text).version).toBe(VERSION);
});

test("help that is pointed to is that of the subcommand", async () => {
  const fresh = await buildProgram(host, () => true);
  expect(commandPath(fresh, ["node", "drain", "3", "4"])).toBe("node drain");
  expect(commandPath(fresh, ["node", "dra"])).toBe("node");
  expect(commandPath(fresh, ["put", "drain"])).toBe("put");
});
