import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Fetches what tests with foreign clients need and the machine may lack: Debian's S3 clients, where this is Debian and we may install, and
 * packages for Python in a virtual environment of their own. What cannot be had is said; the tests of it say that they were skipped.
 */
const environment = resolve("node_modules", ".cache", "cairnfs", "python");
const python = join(environment, "bin", "python");

/** A program or file, and the Debian package that brings it. */
const DEBIAN = {
  "/usr/bin/aws": "awscli",
  "/usr/lib/python3/dist-packages/boto3": "python3-boto3",
  "/usr/bin/s3cmd": "s3cmd",
  "/usr/bin/rclone": "rclone",
  "/usr/bin/restic": "restic",
  "/usr/bin/s3fs": "s3fs",
};
const PYTHON_PACKAGES = [
  "grpcio==1.71.0",
  "grpcio-tools==1.71.0",
  "boto3==1.43.11",
  "awscli==1.45.11",
];
const UPDATE_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 150_000;

attempt("S3 clients of Debian", () => {
  const missing = Object.entries(DEBIAN)
    .filter(([path]) => !existsSync(path))
    .map(([, name]) => name);
  if (missing.length === 0) return "are here";
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    return `are installed by root, on Debian: missing ${missing.join(", ")}`;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-qq"], { env, timeout: UPDATE_TIMEOUT_MS });
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], {
    env,
    timeout: INSTALL_TIMEOUT_MS,
  });
  return `installed: ${missing.join(", ")}`;
});

attempt("Python with gRPC and S3", () => {
  if (!existsSync(python)) {
    mkdirSync(resolve(environment, ".."), { recursive: true });
    run("python3", ["-m", "venv", environment]);
  }
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  run(python, [...install, ...PYTHON_PACKAGES], { timeout: INSTALL_TIMEOUT_MS });
  return `is in ${environment}`;
});

function attempt(what: string, install: () => string): void {
  try {
    console.log(`foreign: ${what} ${install()}`);
  } catch (error) {
    console.log(`foreign: no ${what} here, their tests will be skipped: ${String(error)}`);
  }
}

function run(program: string, words: readonly string[], options: ExecFileSyncOptions = {}): void {
  // What apt and pip say on the way is of use only when they fail, and that goes to stderr.
  execFileSync(program, words, { stdio: ["ignore", "ignore", "inherit"], ...options });
}
