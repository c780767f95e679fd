import { execFileSync } from "node:child_process";
import { delimiter, join, resolve } from "node:path";

/**
 * Makes everything that is generated and committed: the protobuf code, the codecs and docs/reference.
 * With --check it fails when that changed a file.
 */
const GENERATED = ["packages/protocol/src/gen", "docs/reference"];
const bin = resolve("node_modules", ".bin");
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };

execFileSync(join(bin, "buf"), ["lint"], { cwd: "packages/protocol/proto", env, stdio: "inherit" });
execFileSync(join(bin, "buf"), ["generate"], { cwd: "packages/protocol", env, stdio: "inherit" });
for (const script of ["scripts/codecs.ts", "scripts/reference.ts"]) {
  execFileSync(join(bin, "tsx"), ["--conditions=source", script], { env, stdio: "inherit" });
}

if (process.argv.includes("--check")) {
  const changed = execFileSync("git", ["status", "--porcelain", "--", ...GENERATED], {
    encoding: "utf8",
  });
  if (changed !== "") {
    console.error(
      `generated files differ from what is committed; run npm run gen and commit:\n${changed}`,
    );
    process.exitCode = 1;
  }
}
