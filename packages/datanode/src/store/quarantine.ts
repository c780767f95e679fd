import { join } from "node:path";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { KeyLock } from "./key-lock.ts";
import type { SpaceLedger } from "./space-ledger.ts";

/** How many copies are kept for whoever wants to know what happened to them. */
const FILES_MAX = 32;
const UNREAD_SUFFIX = ".unread";

/**
 * Where corrupt copies are kept aside, the latest of them: `<time>-<id>`. Those that nobody could read, `<time>-<id>.unread`, all
 * stay: their bytes may be good, and what failed may be mended. All stores in a data folder share one.
 */
export class Quarantine {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #ledger: SpaceLedger;
  readonly #turns = new KeyLock<string>();
  #opening: Promise<void> | undefined;

  constructor(folder: string, parts: { disk: Disk; clock: Clock; ledger: SpaceLedger }) {
    this.#folder = folder;
    this.#disk = parts.disk;
    this.#clock = parts.clock;
    this.#ledger = parts.ledger;
  }

  /** Makes the folder and has the ledger know what is in it, once for all stores that share this. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    await this.#disk.makeFolder(this.#folder);
    for (const { name } of await this.#disk.list(this.#folder)) {
      this.#ledger.add((await this.#disk.fileBytes(join(this.#folder, name))) ?? 0);
    }
  }

  /** Where to move a copy, which the ledger must know already or be told of; room has been made for it. */
  slotFor(id: ChunkId, damage: "corrupt" | "unreadable"): Promise<string> {
    // One at a time: two would make the same room.
    return this.#turns.run(this.#folder, () => this.#slotFor(id, damage));
  }

  async #slotFor(id: ChunkId, damage: "corrupt" | "unreadable"): Promise<string> {
    const names = (await this.#disk.list(this.#folder)).map((entry) => entry.name).sort();
    if (damage === "corrupt") await this.#makeRoom(names);
    let slot: string;
    let timeMs = this.#clock.now();
    do {
      slot = `${String(timeMs).padStart(15, "0")}-${id}${damage === "unreadable" ? UNREAD_SUFFIX : ""}`;
      timeMs += 1;
    } while (names.includes(slot));
    return join(this.#folder, slot);
  }

  async #makeRoom(names: readonly string[]): Promise<void> {
    const read = names.filter((name) => !name.endsWith(UNREAD_SUFFIX));
    for (const name of read.slice(0, Math.max(0, read.length - FILES_MAX + 1))) {
      const path = join(this.#folder, name);
      const sizeBytes = (await this.#disk.fileBytes(path)) ?? 0;
      await this.#disk.remove(path);
      this.#ledger.add(-sizeBytes);
    }
  }
}
