import { type Random, randomBelow } from "../random.ts";

export const SECTOR_BYTES = 512;

/**
 * The bytes of a file, as the machine sees them and as they may be after a power loss: each sector written since the
 * last sync has then its new or its old content, and the size is any between the synced and the latest.
 */
export class FaultFile {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #sizeBytes = 0;
  #syncedBytes = 0;
  /** What the sectors written since the last sync held before; undefined beyond what was synced. */
  readonly #unsynced = new Map<number, Uint8Array | undefined>();
  /** Sectors that a failed sync gave up on: a later sync says all is well and they are lost all the same. */
  readonly #doomed = new Map<number, Uint8Array | undefined>();

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  read(into: Uint8Array, position: number): number {
    const part = this.#bytes.subarray(
      position,
      Math.min(position + into.byteLength, this.#sizeBytes),
    );
    into.set(part);
    return part.byteLength;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.byteLength === 0) return;
    const endBytes = position + bytes.byteLength;
    this.#rememberSectors(position, endBytes);
    this.#growTo(endBytes);
    this.#bytes.set(bytes, position);
    this.#sizeBytes = Math.max(this.#sizeBytes, endBytes);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.#sizeBytes) {
      this.#rememberSectors(sizeBytes, this.#sizeBytes);
      this.#bytes.fill(0, sizeBytes, this.#sizeBytes);
    }
    this.#growTo(sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  sync(): void {
    for (const sector of this.#unsynced.keys()) this.#doomed.delete(sector);
    this.#unsynced.clear();
    this.#syncedBytes = this.#sizeBytes;
  }

  failSync(): void {
    for (const [sector, old] of this.#unsynced) {
      if (!this.#doomed.has(sector)) this.#doomed.set(sector, old);
    }
    this.#unsynced.clear();
  }

  flipBit(bit: number): void {
    const at = Math.floor(bit / 8);
    this.#bytes[at] = (this.#bytes[at] ?? 0) ^ (1 << (bit % 8));
  }

  content(): Uint8Array {
    return this.#bytes.slice(0, this.#sizeBytes);
  }

  /** The file that a machine finds which lost power now. */
  afterPowerLoss(random: Random): FaultFile {
    const survivor = new FaultFile();
    const fate = randomBelow(random, 4);
    const keeps = () => fate === 0 || (fate > 1 && random.next() < 0.5);
    survivor.#sizeBytes = this.#sizeAfterPowerLoss(fate, random);
    survivor.#syncedBytes = survivor.#sizeBytes;
    survivor.#bytes = new Uint8Array(survivor.#sizeBytes);
    survivor.#bytes.set(this.#bytes.subarray(0, survivor.#sizeBytes));
    for (const [sector, old] of [...this.#doomed, ...this.#unsynced]) {
      if (keeps()) continue;
      const from = sector * SECTOR_BYTES;
      if (from >= survivor.#sizeBytes) continue;
      const lost = survivor.#bytes.subarray(from, from + SECTOR_BYTES);
      lost.fill(0);
      if (old !== undefined) lost.set(old.subarray(0, lost.byteLength));
    }
    return survivor;
  }

  #sizeAfterPowerLoss(fate: number, random: Random): number {
    if (
      this.#unsynced.size === 0 &&
      this.#doomed.size === 0 &&
      this.#syncedBytes === this.#sizeBytes
    ) {
      return this.#sizeBytes;
    }
    if (fate === 0) return this.#sizeBytes;
    if (fate === 1) return this.#syncedBytes;
    const least = Math.min(this.#syncedBytes, this.#sizeBytes);
    const most = Math.max(this.#syncedBytes, this.#sizeBytes);
    return least + randomBelow(random, most - least + 1);
  }

  #rememberSectors(from: number, to: number): void {
    const last = Math.floor((to - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector <= last; sector++) {
      if (this.#unsynced.has(sector)) continue;
      this.#unsynced.set(
        sector,
        this.#doomed.has(sector) ? this.#doomed.get(sector) : this.#sector(sector),
      );
    }
  }

  #sector(sector: number): Uint8Array | undefined {
    const from = sector * SECTOR_BYTES;
    if (from >= this.#sizeBytes) return undefined;
    return this.#bytes.slice(from, Math.min(from + SECTOR_BYTES, this.#sizeBytes));
  }

  #growTo(sizeBytes: number): void {
    if (sizeBytes <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(sizeBytes, this.#bytes.byteLength * 2));
    grown.set(this.#bytes.subarray(0, this.#sizeBytes));
    this.#bytes = grown;
  }
}
