import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { applyMutation } from "./apply-mutation.ts";
import { MUTATIONS } from "./table.ts";

const ROOT = new URL("../../../../", import.meta.url);

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  "the mutation %s has its one place in the code",
  (_, mutation) => {
    const source = readFileSync(new URL(mutation.file, ROOT), "utf8");
    const mutated = applyMutation(source, mutation);
    expect(mutated).toBeDefined();
    expect(mutated).not.toBe(source);
  },
);

test("mutations have names of their own", () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(10);
});
