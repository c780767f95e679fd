import { join } from "node:path";
import { type Disk, hasErrorCode } from "@cairnfs/base/disk";
import {
  isPageAligned,
  PAGE_BYTES,
  PageBuffers,
  PagePool,
  pageBuffer,
} from "@cairnfs/base/page-memory";
import type { Logger } from "@cairnfs/base/telemetry";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { PIECE_BYTES_MAX } from "../block-range.ts";
import type { ReadOptions } from "../chunk-store.ts";
import { LruMap } from "../lru-map.ts";
import type { DirectReads } from "./open-chunk-file.ts";

/** Memory for what is written or read directly and is not whole pages. */
const STAGING_BYTES = 512 * 1024;
const STAGING_BUFFERS = 8;
/** Memory for pieces that are read directly: what readers have given back is kept up to this. */
const READ_BYTES_KEPT = 16 * 1024 * 1024;
/** How often a range is read directly before it is worth being in the cache. */
const DIRECT_READS = 2;
/** How many ranges are remembered to have been read. */
const READS_REMEMBERED_MAX = 4096;

/** What it takes to write and read chunk files past the system's cache. */
export class DirectFiles implements DirectReads {
  readonly staging: PagePool;
  readonly buffers = new PageBuffers(PIECE_BYTES_MAX, READ_BYTES_KEPT);
  /** How often ranges were read not long ago. */
  readonly #readLately = new LruMap<string, number>(READS_REMEMBERED_MAX);

  private constructor(staging: PagePool) {
    this.staging = staging;
  }

  /** Undefined where the disk or the machine does not have it, which is logged. Tries with a file in `folder` that is gone afterwards. */
  static async open(folder: string, parts: ProbeParts): Promise<DirectFiles | undefined> {
    if (!(await takesDirectFiles(folder, parts))) return undefined;
    const staging = PagePool.create(STAGING_BYTES, STAGING_BUFFERS);
    return staging === undefined ? undefined : new DirectFiles(staging);
  }

  /**
   * Whether a range is to be read past the cache: much at once that was not read often lately. To bring bytes into the cache costs more than to
   * read them from a good disk, so what is read now and then does not push out what is read again and again.
   */
  isForReading(id: ChunkId, { offsetBytes, lengthBytes }: ReadOptions): boolean {
    if (lengthBytes < PIECE_BYTES_MAX) return false;
    const key = `${id}/${offsetBytes}`;
    const readsBefore = this.#readLately.get(key) ?? 0;
    this.#readLately.set(key, readsBefore + 1);
    return readsBefore < DIRECT_READS;
  }
}

export interface ProbeParts {
  readonly disk: Disk;
  readonly logger: Logger;
}

/**
 * Whether files in `folder` may be written directly, which is logged where not. It is tried, with a file that is gone afterwards: file systems
 * say so at open, at the first write, or not at all.
 */
export async function takesDirectFiles(
  folder: string,
  { disk, logger }: ProbeParts,
): Promise<boolean> {
  const path = join(folder, "direct");
  const page = pageBuffer(PAGE_BYTES);
  if (!isPageAligned(page)) {
    logger.info("chunk files are written through the cache: no page-aligned memory", { folder });
    return false;
  }
  try {
    const file = await disk.open(path, "write", { isDirect: true });
    try {
      await file.write([page], 0);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    // Anything else that is wrong with the disk shows where it matters.
    if (!hasErrorCode(error, "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSPC", "EDQUOT")) throw error;
    logger.info("chunk files are written through the cache", {
      folder,
      reason: String(error),
    });
    return false;
  } finally {
    await disk.remove(path);
  }
}
