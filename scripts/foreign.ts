import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Fetches what tests with foreign clients need and the machine may lack: a Python with gRPC, in a virtual
 * environment of its own. Where that cannot be had the tests say that they were skipped, and why.
 */
const environment = resolve("node_modules", ".cache", "cairnfs", "python");
const python = join(environment, "bin", "python");

try {
  if (!existsSync(python)) {
    mkdirSync(resolve(environment, ".."), { recursive: true });
    execFileSync("python3", ["-m", "venv", environment], { stdio: "inherit" });
  }
  execFileSync(
    python,
    [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "grpcio==1.71.0",
      "grpcio-tools==1.71.0",
    ],
    { stdio: "inherit" },
  );
  console.log(`foreign: gRPC for Python is in ${environment}`);
} catch (error) {
  console.log(`foreign: no gRPC for Python here, its tests will be skipped: ${String(error)}`);
}
