import { join } from "node:path";
import { ByteBudget } from "@cairnfs/base/byte-budget";
import type { Clock } from "@cairnfs/base/clock";
import type { Disk } from "@cairnfs/base/disk";
import type { Random } from "@cairnfs/base/random";
import { type Logger, silentLogger } from "@cairnfs/base/telemetry";
import type { ChunkStore } from "./chunk-store.ts";
import { FileChunkStore } from "./file/file-chunk-store.ts";
import { MemoryChunkStore } from "./memory/memory-chunk-store.ts";
import { Quarantine } from "./quarantine.ts";
import { SegmentChunkStore, type SegmentStoreOptions } from "./segment/segment-chunk-store.ts";
import { SpaceLedger, type SpaceOptions } from "./space-ledger.ts";
import { storeError } from "./store-error.ts";
import { TieredChunkStore } from "./tiered-chunk-store.ts";

/**
 * `segment` packs chunks under 1 MiB into large files and keeps the others in files of their own; `file` keeps one file
 * for each chunk; `memory` forgets all when it is closed.
 */
export type StoreKind = "memory" | "file" | "segment";

export interface OpenStoreParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger | undefined;
  /** Bounds the memory of small chunks on their way, for all stores that share it. */
  readonly budget?: ByteBudget | undefined;
}

export interface OpenStoreOptions extends SpaceOptions {
  readonly segments?: SegmentStoreOptions | undefined;
}

const BUDGET_BYTES = 64 * 1024 * 1024;

/**
 * Opens the store of this kind in `folder`, making the folder when it is missing. One process at a time may have it: see
 * DataFolder. The stores on a disk do their background work until they are closed.
 */
export async function openChunkStore(
  kind: StoreKind,
  folder: string,
  parts: OpenStoreParts,
  options: OpenStoreOptions = {},
): Promise<ChunkStore> {
  const { disk, clock, random, logger = silentLogger } = parts;
  if (kind === "memory") return new MemoryChunkStore(clock, options.capacityBytes);
  try {
    await disk.makeFolder(folder);
  } catch (error) {
    throw storeError(error, `making ${folder}`);
  }
  const ledger = new SpaceLedger(() => disk.space(folder), clock, options);
  const quarantine = new Quarantine(join(folder, "quarantine"), { disk, clock, ledger });
  const storeParts = { disk, clock, random, logger, ledger, quarantine };
  const large = await FileChunkStore.open(folder, storeParts);
  if (kind === "file") return large;
  try {
    const small = await SegmentChunkStore.open(folder, storeParts, options.segments);
    const budget = parts.budget ?? new ByteBudget(BUDGET_BYTES);
    return new TieredChunkStore({ small, large }, storeParts, budget);
  } catch (error) {
    await large.close();
    throw error;
  }
}
