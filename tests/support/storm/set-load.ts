import { type Prng, randomBelow } from "@cairnfs/base/random";
import { type CairnClient, CairnError } from "@cairnfs/client";
import { expect } from "vitest";
import { stamped, stampOf } from "./stamped.ts";

const FOLDER = "/set";

/** Clients that only add files: each that was acknowledged must be there in the end, and none may be half there. */
export class SetLoad {
  readonly #added = new Set<string>();
  readonly #unknown = new Set<string>();

  /** The names of the files that were acknowledged. */
  get added(): ReadonlySet<string> {
    return this.#added;
  }

  /** Adds one file after the other until `over` fires, and now and then reads one again. */
  async run(client: CairnClient, name: string, random: Prng, over: AbortSignal): Promise<void> {
    const mine: string[] = [];
    for (let number = 0; !over.aborted; number++) {
      const value = `${name}-${number}`;
      try {
        await client.put(`${FOLDER}/${value}`, await stamped(value), { parents: true });
        this.#added.add(value);
        mine.push(value);
      } catch (error) {
        if (!(error instanceof CairnError)) throw error;
        this.#unknown.add(value);
      }
      const again = mine[randomBelow(random, mine.length + 1)];
      if (again !== undefined) await readAgain(client, again);
    }
  }

  /** Every acknowledged file is listed and has its bytes; what else is listed was asked for, and is whole. */
  async check(client: CairnClient): Promise<void> {
    const listed = new Set<string>();
    for await (const entry of client.list(FOLDER)) listed.add(entry.name);
    expect([...this.#added].filter((value) => !listed.has(value))).toEqual([]);
    expect(
      [...listed].filter((value) => !this.#added.has(value) && !this.#unknown.has(value)),
    ).toEqual([]);
    for (const value of listed) {
      expect(await stampOf(await client.getBytes(`${FOLDER}/${value}`))).toBe(value);
    }
  }
}

async function readAgain(client: CairnClient, value: string): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = await client.getBytes(`${FOLDER}/${value}`);
  } catch (error) {
    // That it is gone is no failure of the network.
    if (!(error instanceof CairnError) || error.reason === "pathNotFound") throw error;
    return;
  }
  expect(await stampOf(bytes)).toBe(value);
}
