import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/**
 * Checks every import against layers.json: which package may import which, and, for the folders
 * named there, which folders of the same package. Tests are free within their package.
 */
interface Layers {
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** What tests may import beside. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
  readonly folders: Readonly<Record<string, readonly string[]>>;
}

/** Packages that only tests and tools use. */
const OF_TESTS: readonly string[] = ["simulator", "testkit"];

const layers: Layers = JSON.parse(readFileSync("layers.json", "utf8"));
const failures: string[] = [];
let imports = 0;

for (const [owner, allowed] of Object.entries(layers.packages)) {
  const root = join("packages", owner, "src");
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const file = join(root, name);
    const isTest = /\.(?:test|contract|fuzz|bench)\.ts$|\/testing\//u.test(file);
    for (const target of importsOf(file)) {
      imports += 1;
      const extra = isTest ? (layers.tests[owner] ?? []) : [];
      checkPackage(file, owner, [...allowed, ...extra], target, isTest);
      if (!isTest) checkFolder(file, target);
    }
  }
}

if (imports === 0) failures.push("no imports were found: is layers.ts run from the root?");
for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
else console.log(`layers: ${imports} imports, all within their layers`);

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const pattern = /(?:from|import)\s*\(?\s*"([^"]+)"/gu;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

function checkPackage(
  file: string,
  owner: string,
  allowed: readonly string[],
  target: string,
  isTest: boolean,
): void {
  const imported = /^@cairnfs\/([^/]+)/u.exec(target)?.[1];
  if (imported === undefined || imported === owner) return;
  if (!allowed.includes(imported)) {
    failures.push(
      `${file}: ${owner} may not import ${imported} (layers.json allows: ${allowed.join(", ") || "nothing"})`,
    );
  }
  if (target.includes("/testing/") && !isTest && !OF_TESTS.includes(owner)) {
    failures.push(`${file}: only tests may import ${target}`);
  }
}

function checkFolder(file: string, target: string): void {
  const rule = Object.entries(layers.folders).find(([folder]) =>
    file.startsWith(`packages/${folder}/`),
  );
  if (rule === undefined || !target.startsWith(".")) return;
  const [folder, allowed] = rule;
  const imported = normalize(join(dirname(file), target)).replace(/^packages\//u, "");
  const isAllowed = allowed.some((prefix) =>
    prefix.endsWith("/")
      ? dirname(imported) === prefix.slice(0, -1)
      : imported.startsWith(`${prefix}/`),
  );
  if (!isAllowed) failures.push(`${file}: ${folder} may not import ${imported}`);
}
