import { type Prng, randomBelow } from "@cairnfs/base/random";
import { type CairnClient, hasReason } from "@cairnfs/client";
import { checkLinearizable, type Operation } from "@cairnfs/testkit/history/linearizable";
import {
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from "@cairnfs/testkit/history/register";
import { stamped, stampOf } from "./stamped.ts";

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

/** Files used at the same time, and after how many operations on one the next takes its place: long histories are slow to check. */
const PATHS = 4;
const OPERATIONS_PER_PATH = 60;

/** Clients that write, read, swap and remove a few files, and what each of them saw. */
export class RegisterLoad {
  readonly #histories = new Map<string, RegisterOperation[]>();
  readonly #paths: string[] = [];
  #made = 0;

  get operations(): number {
    return [...this.#histories.values()].reduce((sum, history) => sum + history.length, 0);
  }

  get answered(): number {
    return [...this.#histories.values()].reduce(
      (sum, history) => sum + history.filter((each) => each.returnedAt !== undefined).length,
      0,
    );
  }

  /** One operation after the other until `over` fires. */
  async run(client: CairnClient, name: string, random: Prng, over: AbortSignal): Promise<void> {
    for (let number = 0; !over.aborted; number++) {
      const path = this.#pathOf(randomBelow(random, PATHS));
      const value = `${name}-${number}`;
      const dice = randomBelow(random, 10);
      if (dice < 4) await this.#read(client, path);
      else if (dice < 7) await this.#write(client, path, value);
      else if (dice < 9) await this.#swap(client, path, value);
      else await this.#remove(client, path);
    }
  }

  /** Reads every file once more; then throws where the operations on one have no order that explains them. */
  async check(client: CairnClient): Promise<void> {
    for (const [path, history] of this.#histories) {
      await this.#read(client, path);
      const verdict = checkLinearizable(history, registerModel);
      if (verdict.kind === "linearizable") continue;
      const lines = history.map((each) => JSON.stringify(each)).join("\n");
      throw new Error(
        `the history of ${path} is ${verdict.kind}: ${JSON.stringify(verdict)}\n${lines}`,
      );
    }
  }

  #pathOf(place: number): string {
    const path = this.#paths[place];
    const history = path === undefined ? undefined : this.#histories.get(path);
    if (path !== undefined && (history?.length ?? 0) < OPERATIONS_PER_PATH) return path;
    const next = `/register/${this.#made}`;
    this.#made += 1;
    this.#paths[place] = next;
    this.#histories.set(next, []);
    return next;
  }

  async #read(client: CairnClient, path: string): Promise<string | undefined> {
    const invokedAt = performance.now();
    try {
      const value = await readValue(client, path);
      this.#note(path, { kind: "read" }, { kind: "value", value }, invokedAt);
      return value;
    } catch (error) {
      // A read that failed says nothing; one that gave wrong bytes is what this is all about.
      if (isOfCairn(error)) return undefined;
      throw error;
    }
  }

  async #write(client: CairnClient, path: string, value: string): Promise<void> {
    await this.#attempt(path, { kind: "write", value }, async () => {
      await client.put(path, await stamped(value), { parents: true });
    });
  }

  async #swap(client: CairnClient, path: string, value: string): Promise<void> {
    let version: number;
    let expected: string;
    try {
      const file = await client.open(path);
      version = file.entry.version;
      expected = await stampOf(await collect(file.read()));
    } catch (error) {
      if (isOfCairn(error)) return;
      throw error;
    }
    await this.#attempt(path, { kind: "compareAndSet", expected, value }, async () => {
      await client.put(path, await stamped(value), { parents: true, precondition: { version } });
    });
  }

  async #remove(client: CairnClient, path: string): Promise<void> {
    await this.#attempt(path, { kind: "remove" }, async () => {
      await client.remove(path);
    });
  }

  async #attempt(path: string, input: RegisterInput, act: () => Promise<void>): Promise<void> {
    const invokedAt = performance.now();
    try {
      await act();
      this.#note(path, input, { kind: "done" }, invokedAt);
    } catch (error) {
      if (!isOfCairn(error)) throw error;
      const isRefused = hasReason(error, "preconditionFailed", "pathExists", "pathNotFound");
      if (isRefused) this.#note(path, input, { kind: "refused" }, invokedAt);
      else this.#noteUnknown(path, input, invokedAt);
    }
  }

  #note(path: string, input: RegisterInput, output: RegisterOutput, invokedAt: number): void {
    const returnedAt = performance.now();
    this.#histories.get(path)?.push({ input, output, invokedAt, returnedAt });
  }

  #noteUnknown(path: string, input: RegisterInput, invokedAt: number): void {
    this.#histories.get(path)?.push({ input, output: undefined, invokedAt, returnedAt: undefined });
  }
}

/** Empty text where there is no file. */
async function readValue(client: CairnClient, path: string): Promise<string> {
  try {
    return await stampOf(await client.getBytes(path));
  } catch (error) {
    if (isOfCairn(error) && hasReason(error, "pathNotFound")) return "";
    throw error;
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  for await (const piece of pieces) kept.push(piece);
  return Buffer.concat(kept);
}

function isOfCairn(error: unknown): boolean {
  return error instanceof Error && "reason" in error;
}
