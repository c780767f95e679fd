/**
 * The file that remembers an upload between processes: one JSON object.
 *
 *     { "format": "cairn-upload-1", "sessionId": hex, "path": string, "sizeBytes": number }
 */

import { dirname } from "node:path";
import type { Disk } from "@cairnfs/base/disk";
import { hasErrorCode } from "@cairnfs/base/disk";
import { openLocalFile } from "../local-file.ts";

export interface UploadState {
  readonly sessionId: string;
  readonly path: string;
  readonly sizeBytes: number;
}

const FORMAT = "cairn-upload-1";

/** What the file remembers; `undefined` when there is none or it is not ours. */
export async function readUploadState(
  disk: Disk,
  stateFile: string,
): Promise<UploadState | undefined> {
  const text = await readText(disk, stateFile);
  return text === undefined ? undefined : parseUploadState(text);
}

/** Writes the file so that it survives a crash. */
export async function writeUploadState(
  disk: Disk,
  stateFile: string,
  state: UploadState,
): Promise<void> {
  const temporary = `${stateFile}.new`;
  const file = await disk.open(temporary, "write");
  try {
    const bytes = Buffer.from(`${JSON.stringify({ format: FORMAT, ...state })}\n`);
    await file.write([bytes], 0);
    await file.truncate(bytes.byteLength);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, stateFile);
  await disk.syncFolder(dirname(stateFile));
}

export async function removeUploadState(disk: Disk, stateFile: string): Promise<void> {
  await disk.remove(stateFile);
}

function parseUploadState(text: string): UploadState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { format, sessionId, path, sizeBytes } = value as Partial<Record<string, unknown>>;
  const isOurs =
    format === FORMAT &&
    typeof sessionId === "string" &&
    typeof path === "string" &&
    typeof sizeBytes === "number";
  return isOurs ? { sessionId, path, sizeBytes } : undefined;
}

async function readText(disk: Disk, path: string): Promise<string | undefined> {
  try {
    const file = await openLocalFile(disk, path);
    try {
      return Buffer.from(await file.readExactly(0, Math.min(file.sizeBytes, 65_536))).toString();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
