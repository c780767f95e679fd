import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";

const CAIRN = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

/** How a command ended, and all it said. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command under way, to be ended by its id. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** A folder with the built `cairn` command in it, and a home of its own. */
export class CommandFolder implements AsyncDisposable {
  readonly path: string;
  readonly #home: AsyncDisposable;

  private constructor(path: string, home: AsyncDisposable) {
    this.path = path;
    this.#home = home;
  }

  static async make(): Promise<CommandFolder> {
    const folder = await temporaryFolder();
    const path = join(folder.path, "work");
    await mkdir(path);
    return new CommandFolder(path, folder);
  }

  file(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  start(arguments_: readonly string[], options: RunOptions = {}): Running {
    const child = spawn(process.execPath, [CAIRN, ...arguments_], {
      cwd: this.path,
      env: { ...withoutCairn(), HOME: join(this.path, ".."), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    // A command that ends before it has read everything is a case of its own, not a failure of the test.
    child.stdin.on("error", () => undefined);
    if (options.stdin !== undefined) child.stdin.end(options.stdin);
    return { child, ended: ended(child) };
  }

  async run(arguments_: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(arguments_, { stdin: "", ...options }).ended;
  }

  /** Runs a command that must succeed, and gives what it printed. */
  async ok(...arguments_: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(arguments_);
    if (code !== 0) throw new Error(`cairn ${arguments_.join(" ")} ended with ${code}: ${err}`);
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#home[Symbol.asyncDispose]();
  }
}

/** A `cairn dev` on free ports, in a folder where the other commands find it. */
export class DevCluster implements AsyncDisposable {
  readonly folder: CommandFolder;
  readonly address: string;
  readonly #running: Running;

  private constructor(folder: CommandFolder, address: string, running: Running) {
    this.folder = folder;
    this.address = address;
    this.#running = running;
  }

  static async start(): Promise<DevCluster> {
    const folder = await CommandFolder.make();
    const running = folder.start(["dev", "--port", "0", "--json"]);
    const address = await Promise.race([
      readyAddress(running.child),
      running.ended.then(({ code, err }) => {
        throw new Error(`cairn dev ended with ${code}: ${err}`);
      }),
    ]);
    return new DevCluster(folder, address, running);
  }

  /** Ends it as Ctrl-C does, and says how it ended. */
  async stop(): Promise<Ended> {
    this.#running.child.kill("SIGINT");
    return this.#running.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.folder[Symbol.asyncDispose]();
  }
}

async function readyAddress(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("cairn dev has no standard output");
  for await (const line of createInterface({ input: child.stdout })) {
    const ready: { address: string } = JSON.parse(line);
    return ready.address;
  }
  throw new Error("cairn dev printed nothing");
}

async function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (part: Buffer) => out.push(part));
  child.stderr?.on("data", (part: Buffer) => err.push(part));
  const [code]: unknown[] = await once(child, "close");
  const bytes = Buffer.concat(out);
  return {
    code: typeof code === "number" ? code : null,
    out: bytes.toString(),
    err: Buffer.concat(err).toString(),
    bytes,
  };
}

function withoutCairn(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith("CAIRN_") && name !== "XDG_CONFIG_HOME",
    ),
  );
}
