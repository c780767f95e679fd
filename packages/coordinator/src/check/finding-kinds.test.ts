import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FINDING_KINDS } from "./finding-kinds.ts";

const PAGE = new URL("../../../../docs/operating/fsck.md", import.meta.url);

test("the page about checks has every kind of finding, as the code has it", () => {
  const page = readFileSync(PAGE, "utf8");
  const shown = page.split("\n").filter((line) => /^\| `[a-z]\w+` \|/u.test(line));
  const rows = Object.entries(FINDING_KINDS).map(
    ([kind, { severity, meaning, mending, isMended }]) =>
      `| \`${kind}\` | ${severity} | ${meaning} | ${isMended ? "yes" : "no"} | ${mending} |`,
  );
  expect(shown).toEqual(rows);
});
