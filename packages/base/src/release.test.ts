import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { RELEASE } from "./release.ts";

test("the release is the version of the package", async () => {
  const text = await readFile(new URL("../package.json", import.meta.url), "utf8");
  expect(RELEASE).toBe(JSON.parse(text).version);
});
