import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Reason } from "../packages/base/src/errors.ts";

/** What no linter knows: registers, links, sizes, leftovers. Each failure says what to do instead. */
const MAX_LINES = 400;
/** Tests may be longer: their cases are read one by one. */
const MAX_TEST_LINES = 600;
/** Files that were longer when the rule came; the number only goes down. */
const LONGER: Readonly<Record<string, number>> = {};
const failures: string[] = [];

const tracked = walk(".");
checkSizes();
checkLeftovers();
checkLinks();
checkReasons();
checkPrefixes();
checkContracts();

for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
else console.log(`tidy: ${tracked.length} files in order`);

function walk(folder: string): string[] {
  const skipped = new Set(["node_modules", "dist", ".git", "gen", "coverage", ".cairn", ".logs"]);
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function sources(): string[] {
  return tracked.filter((path) => path.endsWith(".ts"));
}

function checkSizes(): void {
  for (const path of sources()) {
    const lines = readFileSync(path, "utf8").split("\n").length - 1;
    const isTest = /\.(?:test|contract|fuzz)\.ts$/u.test(path);
    const allowed = LONGER[path] ?? (isTest ? MAX_TEST_LINES : MAX_LINES);
    if (lines > allowed)
      failures.push(
        `${path}: ${lines} lines, at most ${allowed}: give the second job a file of its own`,
      );
  }
}

function checkLeftovers(): void {
  const leftover = new RegExp(["FIX", "ME|TO", "DO|X", "XX"].join(""), "u");
  for (const path of sources()) {
    readFileSync(path, "utf8")
      .split("\n")
      .forEach((line, index) => {
        if (leftover.test(line))
          failures.push(`${path}:${index + 1}: a leftover: finish it or open an issue`);
      });
  }
}

function checkLinks(): void {
  for (const path of tracked.filter((name) => name.endsWith(".md"))) {
    for (const [, target = ""] of readFileSync(path, "utf8").matchAll(/\]\(([^)#\s]+)[^)]*\)/gu)) {
      if (/^[a-z]+:/u.test(target)) continue;
      if (!existsSync(join(dirname(path), target)))
        failures.push(`${path}: the link to ${target} leads nowhere`);
    }
  }
}

function checkReasons(): void {
  const page = readFileSync("docs/reference/errors.md", "utf8");
  for (const reason of Object.keys(Reason)) {
    if (!page.includes(`\`${reason}\``))
      failures.push(`docs/reference/errors.md lacks ${reason}: run npm run gen`);
  }
}

function checkPrefixes(): void {
  const keyspace = readFileSync("packages/coordinator/src/keyspace.ts", "utf8");
  const prefixes = [...keyspace.matchAll(/"([a-z]{4})"/gu)].map((match) => match[1]);
  if (prefixes.length === 0) failures.push("keyspace.ts: no four-letter prefixes found");
  if (new Set(prefixes).size !== prefixes.length)
    failures.push("keyspace.ts: a prefix is used twice");
}

function checkContracts(): void {
  for (const path of sources().filter((name) => name.endsWith(".contract.ts"))) {
    const describe = /export (?:async )?function (describe\w+)/u.exec(
      readFileSync(path, "utf8"),
    )?.[1];
    const callers = sources().filter(
      (name) =>
        name !== path &&
        (name.endsWith(".test.ts") || name.endsWith(".contract.ts")) &&
        describe !== undefined &&
        readFileSync(name, "utf8").includes(`${describe}(`),
    );
    if (callers.length === 0) failures.push(`${path}: no test calls ${describe ?? "it"}`);
  }
}
