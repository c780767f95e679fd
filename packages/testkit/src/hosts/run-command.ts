import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a program of the system to its end; rejects, with what it said, when it fails. */
export async function runCommand(program: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, [...words]);
  return stdout;
}

/** Why a test that needs these programs and root cannot run here; undefined when it can. */
export function whyNotRoot(...programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "this needs root";
  for (const program of programs) {
    try {
      execFileSync("which", [program], { stdio: "ignore" });
    } catch {
      return `this needs the program ${program}`;
    }
  }
  return undefined;
}
