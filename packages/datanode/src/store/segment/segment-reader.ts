import { crc32c } from "@cairnfs/base/checksum";
import { type DiskFile, readFully } from "@cairnfs/base/disk";
import { EPOCH_MAX } from "../chunk-store.ts";
import { matchesChecksums } from "../matches-checksums.ts";
import {
  decodeRecordHead,
  type FoundRecord,
  headBytesOf,
  RECORD_ALIGNMENT_BYTES,
  recordBytesOf,
  SALT_BYTES,
  SEGMENT_CHUNK_BYTES_END,
} from "./record.ts";
import {
  decodeEntry,
  decodeSegmentHeader,
  decodeTrailer,
  ENTRY_BYTES,
  hasImpossibleEpoch,
  isEntryWithin,
  SEGMENT_HEADER_BYTES,
  type SegmentEntry,
  TRAILER_BYTES,
} from "./segment-format.ts";

/** What a segment holds, as its footer says or as its records do. */
export interface SegmentContents {
  readonly salt: Uint8Array;
  readonly isSealed: boolean;
  /** Where the records end: what lies behind is a footer, or was never whole. */
  readonly endOffset: number;
  readonly entries: Iterable<SegmentEntry>;
  /** Records that cannot have been written so: they are not among the entries. */
  readonly skippedCount: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;
const RECORD_BYTES_MAX = recordBytesOf(SEGMENT_CHUNK_BYTES_END - 1);

/** Reads a segment's footer, or its records where it has none that is whole; undefined when there is neither. */
export async function readSegment(
  file: DiskFile,
  number: number,
): Promise<SegmentContents | undefined> {
  const salt = await readSalt(file, number);
  if (salt === undefined) return undefined;
  const segment = { file, number, salt, sizeBytes: await file.sizeBytes() };
  return (await readFooter(segment)) ?? (await scanSegment(segment));
}

interface SegmentSource {
  readonly file: DiskFile;
  readonly number: number;
  readonly salt: Uint8Array;
  readonly sizeBytes: number;
}

/** The salt from a place that no client's bytes can be in; undefined when it is not there any more. */
async function readSalt(file: DiskFile, number: number): Promise<Uint8Array | undefined> {
  const header = decodeSegmentHeader(await readAt(file, 0, SEGMENT_HEADER_BYTES));
  if (header?.number === number) return Uint8Array.from(header.salt);
  // A rotten header took the salt with it; the first record, which has no client's bytes before it, still has it.
  const head = await readAt(file, SEGMENT_HEADER_BYTES, headBytesOf(SEGMENT_CHUNK_BYTES_END - 1));
  const salt = decodeRecordHead(head, 0)?.salt;
  return salt === undefined ? undefined : Uint8Array.from(salt);
}

async function readFooter({
  file,
  number,
  salt,
  sizeBytes,
}: SegmentSource): Promise<SegmentContents | undefined> {
  if (sizeBytes < SEGMENT_HEADER_BYTES + TRAILER_BYTES) return undefined;
  const trailer = decodeTrailer(await readAt(file, sizeBytes - TRAILER_BYTES, TRAILER_BYTES));
  if (trailer === undefined || trailer.number !== number) return undefined;
  // The last chunk's bytes may look like a trailer, but who chose them did not know the salt.
  if (Buffer.compare(trailer.salt, salt) !== 0) return undefined;
  const { footerOffset, entryCount } = trailer;
  const footerBytes = entryCount * ENTRY_BYTES;
  if (footerOffset < SEGMENT_HEADER_BYTES) return undefined;
  if (footerOffset + footerBytes + TRAILER_BYTES !== sizeBytes) return undefined;
  const footer = await readAt(file, footerOffset, footerBytes);
  if (footer.byteLength < footerBytes || crc32c(footer) !== trailer.footerChecksum) {
    return undefined;
  }
  let skippedCount = 0;
  for (let at = 0; at < footerBytes; at += ENTRY_BYTES) {
    if (!isEntryWithin(footer, at, footerOffset)) return undefined;
    if (hasImpossibleEpoch(footer, at)) skippedCount += 1;
  }
  const entries = entriesOf(footer);
  return { salt, isSealed: true, endOffset: footerOffset, entries, skippedCount };
}

function* entriesOf(footer: Buffer): Generator<SegmentEntry> {
  for (let at = 0; at < footer.byteLength; at += ENTRY_BYTES) {
    if (!hasImpossibleEpoch(footer, at)) yield decodeEntry(footer, at);
  }
}

/**
 * Finds the records of a segment by reading all of it. Damage does not hide what is behind it: the scan goes on with
 * the next place that is a record of this segment.
 */
async function scanSegment({ file, salt, sizeBytes }: SegmentSource): Promise<SegmentContents> {
  const entries: SegmentEntry[] = [];
  let endOffset = SEGMENT_HEADER_BYTES;
  let skippedCount = 0;
  let window = await readAt(file, 0, WINDOW_BYTES);
  let windowOffset = 0;
  for (let offset = SEGMENT_HEADER_BYTES; offset < sizeBytes; ) {
    if (
      offset + RECORD_BYTES_MAX > windowOffset + window.byteLength &&
      windowOffset + window.byteLength < sizeBytes
    ) {
      window = await readAt(file, offset, WINDOW_BYTES);
      windowOffset = offset;
    }
    const record = wholeRecord(window, offset - windowOffset, salt);
    if (record === undefined) {
      offset += RECORD_ALIGNMENT_BYTES;
      continue;
    }
    if (record.epoch > EPOCH_MAX) skippedCount += 1;
    // A copy: the window is read over.
    else entries.push({ ...record, id: Uint8Array.from(record.id), offset });
    offset += recordBytesOf(record.lengthBytes);
    endOffset = offset;
  }
  return { salt, isSealed: false, endOffset, entries, skippedCount };
}

function wholeRecord(window: Buffer, at: number, salt: Uint8Array): FoundRecord | undefined {
  const record = decodeRecordHead(window, at);
  if (record === undefined || Buffer.compare(record.salt, salt) !== 0) return undefined;
  const from = at + headBytesOf(record.lengthBytes);
  const data = window.subarray(from, from + record.lengthBytes);
  if (at + recordBytesOf(record.lengthBytes) > window.byteLength) return undefined;
  return matchesChecksums(data, record.blockChecksums) ? record : undefined;
}

async function readAt(file: DiskFile, offset: number, lengthBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(lengthBytes);
  return bytes.subarray(0, await readFully(file, bytes, offset));
}

/** The salt of a segment that is made now. */
export function makeSalt(random: { bytes(sizeBytes: number): Uint8Array }): Uint8Array {
  return random.bytes(SALT_BYTES);
}
