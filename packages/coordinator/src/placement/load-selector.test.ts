import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasReason } from "@cairnfs/base/errors";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { expect, test } from "vitest";
import { loadSelector } from "./load-selector.ts";
import { candidatesOf } from "./testing/candidates.ts";

const candidates = candidatesOf({ zones: 1, nodes: 5 });
const request = {
  count: 2,
  seed: new Uint8Array(24),
  excluded: new Set([5]),
  holders: candidates.slice(3, 4),
};

async function moduleOf(folder: string, body: string): Promise<string> {
  const path = join(folder, "chosen.mjs");
  await writeFile(path, body);
  return path;
}

test("each built-in strategy is found by its name", async () => {
  for (const name of ["capacity-weighted", "first-healthy", "rendezvous"]) {
    expect((await loadSelector(name, "/")).name).toBe(name);
  }
});

test("an unknown name is refused with the names there are", async () => {
  await expect(loadSelector("best", "/")).rejects.toThrow(
    'placement is "best": expected one of capacity-weighted, first-healthy, rendezvous, or module:',
  );
});

test("a module of the user's own is loaded by its path, absolute or relative", async () => {
  await using folder = await temporaryFolder();
  const path = await moduleOf(
    folder.path,
    `export const selector = { name: "mine", select: (all, { count }) => all.slice(0, count).map((c) => c.nodeNumber) };`,
  );
  for (const setting of [`module:${path}`, "module:./chosen.mjs"]) {
    const selector = await loadSelector(setting, folder.path);
    expect(selector.name).toBe("mine");
    expect(selector.select(candidates, request)).toEqual([1, 2]);
  }
});

test("a package is looked for from the folder", async () => {
  await using folder = await temporaryFolder();
  const home = join(folder.path, "node_modules", "my-selector");
  await mkdir(home, { recursive: true });
  await writeFile(
    join(home, "package.json"),
    `{ "name": "my-selector", "type": "module", "main": "main.js" }`,
  );
  await writeFile(
    join(home, "main.js"),
    `export const selector = { name: "packed", select: () => [1, 2] };`,
  );
  expect((await loadSelector("module:my-selector", folder.path)).name).toBe("packed");
});

test("a module that is missing, breaks or lacks the export is an invalid setting", async () => {
  await using folder = await temporaryFolder();
  const attempts = [
    `module:${join(folder.path, "absent.mjs")}`,
    "module:no-such-package-anywhere",
    `module:${await moduleOf(folder.path, "throw new Error('broken')")}`,
  ];
  for (const setting of attempts) {
    const failure = await loadSelector(setting, folder.path).catch((error: unknown) => error);
    expect(hasReason(failure, "invalidConfig")).toBe(true);
  }
  await writeFile(join(folder.path, "empty.mjs"), "export const other = 1;");
  await expect(loadSelector("module:./empty.mjs", folder.path)).rejects.toThrow(
    'lacks an export "selector"',
  );
});

test("nonsense from a user's module is refused with what was wrong", async () => {
  await using folder = await temporaryFolder();
  const cases = [
    ["undefined", "did not return an array"],
    ["[1]", "returned 1 nodes where 2 were asked for"],
    ["[1, 1]", "returned node 1 twice"],
    ["[1, 99]", "returned 99, which is no candidate"],
    ["[1, 5]", "returned node 5, which is not to be chosen"],
    ["[1, 4]", "returned node 4, which is not to be chosen"],
  ] as const;
  for (const [index, [answer, message]] of cases.entries()) {
    await writeFile(
      join(folder.path, `wrong-${index}.mjs`),
      `export const selector = { name: "wrong", select: () => ${answer} };`,
    );
    const selector = await loadSelector(`module:./wrong-${index}.mjs`, folder.path);
    expect(() => selector.select(candidates, request)).toThrow(message);
  }
});
