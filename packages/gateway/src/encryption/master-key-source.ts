import type { CairnClient } from "@cairnfs/client";
import type { MasterKey } from "@cairnfs/client/access";

/** How many keys are remembered: far more than there are. */
const KEYS_MAX = 64;

/** The cluster's keys, asked for once: a key never changes, and the newest stays the newest while this gateway runs. */
export class MasterKeySource {
  readonly #client: Pick<CairnClient, "access">;
  readonly #known = new Map<number, MasterKey>();
  #newest: MasterKey | undefined;

  constructor(client: Pick<CairnClient, "access">) {
    this.#client = client;
  }

  /** The one that new contents are encrypted under. */
  async newest(): Promise<MasterKey> {
    this.#newest ??= await this.#client.access.masterKey();
    return this.#newest;
  }

  /** The one that an older content was encrypted under. */
  async numbered(number: number): Promise<MasterKey> {
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    const found = await this.#client.access.masterKey({ number });
    if (this.#known.size < KEYS_MAX) this.#known.set(number, found);
    return found;
  }
}
