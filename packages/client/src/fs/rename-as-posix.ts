import { hasReason } from "@cairnfs/base/errors";
import type { FileStore } from "./file-store.ts";
import { type ErrorSubject, FileSystemError } from "./node-error.ts";

/**
 * Renames as POSIX does, where the cluster is stricter: a directory may take the place of an empty one (which is
 * removed first, so for a moment nothing is there), and each refusal has its own code.
 */
export async function renameAsPosix(
  store: FileStore,
  source: string,
  target: string,
  subject: ErrorSubject,
): Promise<void> {
  try {
    await store.rename(source, target);
  } catch (error) {
    if (!hasReason(error, "pathExists", "isADirectory", "notADirectory", "directoryNotEmpty")) {
      throw error;
    }
    const [moved, taken] = await Promise.all([store.stat(source), store.stat(target)]);
    if (moved.kind === "file" && taken.kind === "directory") {
      throw new FileSystemError("EISDIR", subject, error);
    }
    if (moved.kind === "directory" && taken.kind === "file") {
      throw new FileSystemError("ENOTDIR", subject, error);
    }
    if (moved.inodeId === taken.inodeId) return;
    // It is replaced, and what is replaced does not go to the trash.
    await store.remove(target, { precondition: { inodeId: taken.inodeId }, forever: true });
    await store.rename(source, target);
  }
}
