import { execFile, execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { GatewayAccess } from "@cairnfs/testkit/process-cluster";

/** What scripts/foreign.ts installs from PyPI. */
export const FOREIGN_PYTHON = resolve("node_modules/.cache/cairnfs/python/bin");

const RUN_TIMEOUT_MS = 90_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * A foreign program with the door in its environment, as its users set it, and a home of its own, so that nothing of this machine's
 * settings reaches it.
 */
export class Tool {
  readonly program: string;
  readonly home: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(program: string, home: string, env: Readonly<Record<string, string>>) {
    this.program = program;
    this.home = home;
    this.#env = env;
  }

  static async at(
    program: string,
    home: string,
    door: GatewayAccess,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Tool> {
    await mkdir(home, { recursive: true });
    return new Tool(program, home, {
      PATH: process.env.PATH ?? "",
      HOME: home,
      XDG_CONFIG_HOME: join(home, ".config"),
      LANG: "C.UTF-8",
      AWS_ACCESS_KEY_ID: door.accessKeyId,
      AWS_SECRET_ACCESS_KEY: door.secretKey,
      AWS_DEFAULT_REGION: door.region,
      AWS_ENDPOINT_URL: door.endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PAGER: "",
      ...env,
    });
  }

  /** A path below its home. */
  file(...names: readonly string[]): string {
    return join(this.home, ...names);
  }

  /** Runs it to its end, in its home, however it ends. */
  run(...words: readonly string[]): Promise<Ended> {
    return new Promise((resolve_, reject) => {
      const options = {
        cwd: this.home,
        env: this.#env,
        timeout: RUN_TIMEOUT_MS,
        maxBuffer: OUTPUT_BYTES_MAX,
      };
      execFile(this.program, [...words], options, (error, out, err) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === "number") resolve_({ code, out, err });
        else reject(error ?? new Error(`${this.program} did not start`));
      });
    });
  }

  /** Runs what must succeed, and gives what it printed. */
  async ok(...words: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(...words);
    if (code !== 0) {
      throw new Error(`${this.program} ${words.join(" ")} ended with ${code}: ${err}${out}`);
    }
    return out;
  }
}

/** The first of the programs that is here, a path or a name; undefined when none is. */
export function findProgram(...programs: readonly string[]): string | undefined {
  return programs.find((program) => {
    try {
      execFileSync("which", [program], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

/** Says on the log that a suite is skipped, and why. */
export function tellSkipped(client: string): void {
  console.warn(
    `skipped: what ${client} does with S3; it is not here: \`npx tsx scripts/foreign.ts\` installs what it can`,
  );
}
