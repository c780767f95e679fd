import { join } from "node:path";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { SpaceLedger } from "./space-ledger.ts";

/** How many copies are kept for whoever wants to know what happened to them. */
const FILES_MAX = 32;
const UNREAD_SUFFIX = ".unread";

/**
 * Where corrupt copies are kept aside, the latest of them: `<time>-<id>`. Those that nobody could read, `<time>-<id>.unread`, all
 * stay: their bytes may be good, and what failed may be mended.
 */
export class Quarantine {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #ledger: SpaceLedger;

  constructor(folder: string, parts: { disk: Disk; clock: Clock; ledger: SpaceLedger }) {
    this.#folder = folder;
    this.#disk = parts.disk;
    this.#clock = parts.clock;
    this.#ledger = parts.ledger;
  }

  /** What the files here take, in bytes. */
  async usedBytes(): Promise<number> {
    let usedBytes = 0;
    for (const { name } of await this.#disk.list(this.#folder)) {
      usedBytes += (await this.#disk.fileBytes(join(this.#folder, name))) ?? 0;
    }
    return usedBytes;
  }

  /** Where to move a copy; room has been made for it. */
  async slotFor(id: ChunkId, damage: "corrupt" | "unreadable"): Promise<string> {
    const slot = `${String(this.#clock.now()).padStart(15, "0")}-${id}`;
    if (damage === "unreadable") return join(this.#folder, slot + UNREAD_SUFFIX);
    const names = (await this.#disk.list(this.#folder))
      .map((entry) => entry.name)
      .filter((name) => !name.endsWith(UNREAD_SUFFIX))
      .sort();
    for (const name of names.slice(0, Math.max(0, names.length - FILES_MAX + 1))) {
      const path = join(this.#folder, name);
      const sizeBytes = (await this.#disk.fileBytes(path)) ?? 0;
      await this.#disk.remove(path);
      this.#ledger.add(-sizeBytes);
    }
    return join(this.#folder, slot);
  }
}
