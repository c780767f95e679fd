import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SIMULATE = fileURLToPath(new URL("../../packages/simulator/dist/main.js", import.meta.url));

/** What the command says, and how it ends. Seeds that fail are in it, with the command that runs each again. */
async function simulate(
  ...flags: readonly string[]
): Promise<{ text: string; code: number | null }> {
  const child = spawn(process.execPath, [SIMULATE, ...flags], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  process.stdout.write(text);
  return { text, code };
}

test("seeds that are always run find nothing", async () => {
  const { text, code } = await simulate("--from", "1", "--seeds", "80", "--minutes", "0.2");
  expect(text).toContain(" 0 failed");
  expect(code).toBe(0);
});

test("fresh seeds find nothing", async () => {
  const { text, code } = await simulate("--seeds", "100000", "--minutes", "0.15");
  expect(text).toMatch(/^seeds from \d+ on/u);
  expect(text).toContain(" 0 failed");
  expect(code).toBe(0);
});

test("a bug that is put into the code is found", async () => {
  const { text, code } = await simulate(
    ...["--mutations", "--only", "segment-folder-not-synced", "--from", "1", "--seeds", "60"],
  );
  expect(text).toContain("lost:");
  expect(code).toBe(0);
});
