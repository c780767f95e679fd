import { join } from "node:path";
import { type Disk, hasErrorCode } from "@cairnfs/base/disk";
import { isPageAligned, PAGE_BYTES, pageBuffer } from "@cairnfs/base/page-memory";
import type { Logger } from "@cairnfs/base/telemetry";

/**
 * Whether chunk files may be written directly: tries it with a file in `folder`, which is gone again when this resolves, since file systems
 * say so at open, at the first write, or not at all. Logs why not.
 */
export async function takesDirectFiles(
  folder: string,
  { disk, logger }: { readonly disk: Disk; readonly logger: Logger },
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
