import type { Disk } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";

/** A file of this machine that is open for reading. Its size is that of the moment it was opened. */
export interface LocalFile {
  readonly sizeBytes: number;
  /** Exactly these bytes; `invalidArgument` when the file has become shorter. */
  readExactly(offsetBytes: number, lengthBytes: number, into?: Buffer): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a local file for reading; the system's own error when that fails. */
export async function openLocalFile(disk: Disk, path: string): Promise<LocalFile> {
  const file = await disk.open(path, "read");
  try {
    const sizeBytes = await file.sizeBytes();
    return {
      sizeBytes,
      readExactly: async (offsetBytes, lengthBytes, into) => {
        const bytes = into?.subarray(0, lengthBytes) ?? Buffer.allocUnsafeSlow(lengthBytes);
        for (let filled = 0; filled < lengthBytes; ) {
          const got = await file.read(bytes.subarray(filled), offsetBytes + filled);
          if (got === 0) {
            throw new CairnError("invalidArgument", `${path} became shorter while it was read`, {
              details: { sizeBytes, offsetBytes: offsetBytes + filled },
            });
          }
          filled += got;
        }
        return bytes;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
