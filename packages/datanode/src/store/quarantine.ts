import { join } from "node:path";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { KeyLock } from "./key-lock.ts";
import type { Expendable, SpaceLedger } from "./space-ledger.ts";

/** How many copies are kept for whoever wants to know what happened to them. */
const FILES_MAX = 32;
const UNREAD_SUFFIX = ".unread";

/** What is wrong with a copy: its bytes, or that the medium does not give them. */
export type Damage = "corrupt" | "unreadable";

/** How many copies are in quarantine, and what they take. */
export interface QuarantineUse {
  readonly copies: number;
  readonly sizeBytes: number;
}

interface KeptFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * Where corrupt copies are kept aside, the latest of them: `<time>-<id>`. The oldest go when chunks need their room. Those that nobody
 * could read, `<time>-<id>.unread`, all stay: their bytes may be good, and what failed may be mended. An operator may remove any. All
 * stores in a data folder share one.
 */
export class Quarantine implements Expendable {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #ledger: SpaceLedger;
  readonly #turns = new KeyLock<string>();
  readonly #listeners = new Set<(id: ChunkId) => void>();
  #opening: Promise<void> | undefined;
  #copies = 0;
  #sizeBytes = 0;
  #expendableBytes = 0;

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
    await this.#recount();
    this.#ledger.mayTakeFrom(this);
  }

  get use(): QuarantineUse {
    return { copies: this.#copies, sizeBytes: this.#sizeBytes };
  }

  get expendableBytes(): number {
    return this.#expendableBytes;
  }

  /**
   * Has `move` take a copy out of service, keeping what it can of it at the path it is given, and tells who listens. `move` gives the
   * bytes that it kept, of which the ledger must know.
   */
  async take(
    id: ChunkId,
    damage: Damage,
    move: (path: string) => Promise<number | undefined>,
  ): Promise<void> {
    // One at a time: two would make the same room, and who counts would find what is not known yet.
    await this.#turns.run(this.#folder, async () => {
      const keptBytes = await move(await this.#slotFor(id, damage));
      if (keptBytes !== undefined) this.#count(1, keptBytes, damage);
    });
    for (const listener of this.#listeners) listener(id);
  }

  /** Calls `listener` for each copy that is taken out of service; the function returned stops that. */
  onTaken(listener: (id: ChunkId) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Removes the oldest copies that were read, until they make so many bytes or there are none. */
  giveUp(sizeBytes: number): Promise<void> {
    return this.#turns.run(this.#folder, async () => {
      let freedBytes = 0;
      for (const file of await this.#recount()) {
        if (freedBytes >= sizeBytes) return;
        if (damageOf(file.name) !== "corrupt") continue;
        await this.#remove(file);
        freedBytes += file.sizeBytes;
      }
    });
  }

  async #slotFor(id: ChunkId, damage: Damage): Promise<string> {
    const names = await this.#names();
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
    const read = names.filter((name) => damageOf(name) === "corrupt");
    for (const name of read.slice(0, Math.max(0, read.length - FILES_MAX + 1))) {
      await this.#remove({ name, sizeBytes: await this.#bytesOf(name) });
    }
  }

  async #remove({ name, sizeBytes }: KeptFile): Promise<void> {
    await this.#disk.remove(join(this.#folder, name));
    this.#ledger.add(-sizeBytes);
    this.#count(-1, -sizeBytes, "corrupt");
  }

  /** All files in the order of time; the ledger is told by how much they differ from what was known. */
  async #recount(): Promise<KeptFile[]> {
    const files: KeptFile[] = [];
    for (const name of await this.#names()) {
      files.push({ name, sizeBytes: await this.#bytesOf(name) });
    }
    const knownBytes = this.#sizeBytes;
    this.#copies = 0;
    this.#sizeBytes = 0;
    this.#expendableBytes = 0;
    for (const { name, sizeBytes } of files) this.#count(1, sizeBytes, damageOf(name));
    this.#ledger.add(this.#sizeBytes - knownBytes);
    return files;
  }

  #count(copies: number, sizeBytes: number, damage: Damage): void {
    this.#copies += copies;
    this.#sizeBytes += sizeBytes;
    if (damage === "corrupt") this.#expendableBytes += sizeBytes;
  }

  async #names(): Promise<string[]> {
    return (await this.#disk.list(this.#folder)).map((entry) => entry.name).sort();
  }

  async #bytesOf(name: string): Promise<number> {
    return (await this.#disk.fileBytes(join(this.#folder, name))) ?? 0;
  }
}

function damageOf(name: string): Damage {
  return name.endsWith(UNREAD_SUFFIX) ? "unreadable" : "corrupt";
}
