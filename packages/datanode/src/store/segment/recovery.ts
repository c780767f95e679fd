import { join } from "node:path";
import { type Disk, type DiskFile, hasErrorCode } from "@cairnfs/base/disk";
import type { Logger } from "@cairnfs/base/telemetry";
import type { SpaceLedger } from "../space-ledger.ts";
import { DirectAppender } from "./direct-appender.ts";
import { FooterBuilder } from "./footer-builder.ts";
import type { LogState } from "./log-state.ts";
import { parseSegmentName, SEGMENT_HEADER_BYTES, segmentName } from "./segment-format.ts";
import type { ActiveSegment } from "./segment-log.ts";
import { readSegment, type SegmentContents } from "./segment-reader.ts";

export interface RecoveryParts {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly ledger: SpaceLedger;
  readonly folder: string;
  readonly state: LogState;
  /** As the log has it. */
  readonly staging: Buffer | undefined;
}

/** Where the log goes on. */
export interface RecoveredLog {
  readonly nextNumber: number;
  readonly active: ActiveSegment | undefined;
}

/**
 * Reads the log into `state`. The records of segments without a footer are found by reading them; what a crash left half-written
 * behind the last one is cut off. What was found is durable when this resolves.
 */
export async function recoverLog(parts: RecoveryParts): Promise<RecoveredLog> {
  const { disk, folder } = parts;
  const numbers: number[] = [];
  for (const { name } of await disk.list(folder)) {
    const number = parseSegmentName(name);
    if (number !== undefined) numbers.push(number);
  }
  numbers.sort((a, b) => a - b);
  // A process that was killed may have made segments without a sync of their names.
  await disk.syncFolder(folder);
  const last = numbers.at(-1) ?? 0;
  let active: ActiveSegment | undefined;
  try {
    for (const [at, number] of numbers.entries()) {
      active = await recoverSegment(parts, number, number === last);
      // As a rule the others hold as much as those that were read.
      parts.state.expectTimes((numbers.length - at - 1) / (at + 1));
    }
  } catch (error) {
    await active?.file.close();
    throw error;
  }
  return { nextNumber: last + 1, active: active && (await pastTheCache(parts, active)) };
}

/** The segment that goes on, with its file open as the log writes it. */
async function pastTheCache(
  { disk, folder, staging }: RecoveryParts,
  active: ActiveSegment,
): Promise<ActiveSegment> {
  if (staging === undefined) return active;
  try {
    const path = join(folder, segmentName(active.number));
    const file = await disk.open(path, "update", { isDirect: true });
    return { ...active, file: new DirectAppender(file, staging) };
  } finally {
    await active.file.close();
  }
}

async function recoverSegment(
  parts: RecoveryParts,
  number: number,
  isLast: boolean,
): Promise<ActiveSegment | undefined> {
  const path = join(parts.folder, segmentName(number));
  const file = await parts.disk.open(path, "update");
  let isKept = false;
  try {
    const sizeBytes = await file.sizeBytes();
    const contents = await readSegment(file, number);
    if (contents === undefined) {
      await dropUnreadable(parts, path, sizeBytes);
      return undefined;
    }
    parts.state.startSegment(number);
    if (contents.skippedCount > 0) {
      const { skippedCount } = contents;
      parts.logger.error("records with impossible epochs are skipped", { path, skippedCount });
    }
    const footer = new FooterBuilder();
    for (const entry of contents.entries) {
      parts.state.apply(entry, { segment: number, offset: entry.offset });
      if (!contents.isSealed) footer.add(entry);
    }
    if (contents.isSealed) {
      parts.state.sealSegment(number, sizeBytes);
      parts.ledger.add(sizeBytes);
      return undefined;
    }
    await cut(parts, file, { number, sizeBytes, contents });
    const { salt, endOffset } = contents;
    const segment = { number, salt, file, footer, sizeBytes: endOffset };
    isKept = isLast;
    if (isKept) parts.ledger.add(endOffset);
    else await seal(parts, segment);
    return isKept ? segment : undefined;
  } finally {
    if (!isKept) await file.close();
  }
}

async function cut(
  parts: RecoveryParts,
  file: DiskFile,
  found: {
    readonly number: number;
    readonly sizeBytes: number;
    readonly contents: SegmentContents;
  },
): Promise<void> {
  const { endOffset } = found.contents;
  if (endOffset < found.sizeBytes) {
    await file.truncate(endOffset);
    parts.logger.info("what a crash left unfinished was cut off a segment", {
      segment: found.number,
      cutBytes: found.sizeBytes - endOffset,
    });
  }
  // Also when nothing was cut: a process that was killed may have left bytes that are not on the disk yet.
  await file.sync();
}

async function seal(parts: RecoveryParts, segment: ActiveSegment): Promise<void> {
  const footer = segment.footer.encode(segment);
  let sizeBytes = segment.sizeBytes;
  try {
    await segment.file.write(footer, sizeBytes);
    await segment.file.sync();
    for (const part of footer) sizeBytes += part.byteLength;
  } catch (error) {
    // A full disk must not keep the store from opening: the segment is scanned again the next time.
    if (!hasErrorCode(error, "ENOSPC", "EDQUOT")) throw error;
    await segment.file.truncate(sizeBytes);
  }
  parts.state.sealSegment(segment.number, sizeBytes);
  parts.ledger.add(sizeBytes);
}

/** A segment whose making was interrupted has nothing; one that had records is kept aside for whoever can read it. */
async function dropUnreadable(
  parts: RecoveryParts,
  path: string,
  sizeBytes: number,
): Promise<void> {
  if (sizeBytes <= SEGMENT_HEADER_BYTES) await parts.disk.remove(path);
  else {
    parts.logger.error("a segment is unreadable and was set aside", { path, sizeBytes });
    await parts.disk.rename(path, `${path}.unreadable`);
    parts.ledger.add(sizeBytes);
  }
  await parts.disk.syncFolder(parts.folder);
}
