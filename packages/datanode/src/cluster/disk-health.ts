import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";
import { Health } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { StoreSpace } from "../store/chunk-store.ts";

const PROBE_NAME = "disk-probe";

/**
 * Whether the disk takes chunks: not while it is full, nor after it failed to write until a probe shows that it writes
 * again.
 */
export class DiskHealth {
  readonly #disk: Disk;
  readonly #dataDir: string;
  readonly #clock: Clock;
  readonly #probeMs: number;
  #failure: CairnError | undefined;
  #probedMs = 0;

  constructor(
    parts: { readonly disk: Disk; readonly clock: Clock },
    options: { readonly dataDir: string; readonly probeMs: number },
  ) {
    this.#disk = parts.disk;
    this.#clock = parts.clock;
    this.#dataDir = options.dataDir;
    this.#probeMs = options.probeMs;
  }

  /** Runs work that writes chunks, and notes when it fails because the disk does not write. */
  async watch<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.note(error);
      throw error;
    }
  }

  /** Notes an error of work that wrote chunks, if it says that the disk does not write. */
  note(error: unknown): void {
    if (!hasReason(error, "storeFailed")) return;
    this.#failure = error;
    this.#probedMs = this.#clock.monotonicMs();
  }

  /** What the coordinator is told. Less than a block of room is none. */
  report(space: StoreSpace): Health {
    const isWritable = this.#failure === undefined && space.availableBytes >= BLOCK_BYTES;
    return isWritable ? Health.OK : Health.READ_ONLY;
  }

  /** Refuses new chunks with the disk's own error while it does not write. */
  refuseUnlessWritable(): void {
    if (this.#failure === undefined) return;
    throw new CairnError("storeFailed", `the disk does not write: ${this.#failure.message}`, {
      cause: this.#failure,
    });
  }

  /** Tries the disk again when it has failed and the time has come. */
  async probe(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#failure === undefined || nowMs - this.#probedMs < this.#probeMs) return;
    this.#probedMs = nowMs;
    try {
      await this.#writeProbe();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = new CairnError("storeFailed", "the disk failed to write a probe", {
        cause: error,
      });
    }
  }

  async #writeProbe(): Promise<void> {
    const path = `${this.#dataDir}/${PROBE_NAME}`;
    const file = await this.#disk.open(path, "write");
    try {
      await file.write([new Uint8Array(BLOCK_BYTES)], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.remove(path);
  }
}
