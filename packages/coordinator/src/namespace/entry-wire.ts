/**
 * Entries on their way from the store to the wire. The record of an entry (entry.ts) and `cairn.v1.Entry` write numbers,
 * texts and bytes alike, so that a listing copies them, each behind its tag, and decodes none. Fields come in the
 * order of the record; what is 0 or empty is left out, as protobuf does.
 */

import { assert } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import { versionIdOf } from "../objects/version-id.ts";

const RECORD_VERSION = 3;
const FILE = 1;
const DIRECTORY = 2;
const KIND = { file: 1, directory: 2 } as const;
const SLASH = 0x2f;

/**
 * Tags of `cairn.v1.ListResponse` and `cairn.v1.ListObjectsResponse`, which are alike, and of what is in them: the field's number
 * and how it is written.
 */
const TAG = {
  entries: (1 << 3) | 2,
  nextAfter: (2 << 3) | 2,
  key: (1 << 3) | 2,
  keyEntry: (2 << 3) | 2,
  kind: 1 << 3,
  name: (2 << 3) | 2,
  inodeId: 3 << 3,
  sizeBytes: 4 << 3,
  createdMs: 5 << 3,
  modifiedMs: 6 << 3,
  mode: 7 << 3,
  contentType: (8 << 3) | 2,
  userMetadata: (9 << 3) | 2,
  sha256: (10 << 3) | 2,
  chunkSizeBytes: 11 << 3,
  replicationFactor: 12 << 3,
  chunkCount: 13 << 3,
  policy: (14 << 3) | 2,
  version: 15 << 3,
  /** The one of two bytes: 80 01. */
  contentId: 16 << 3,
  object: (17 << 3) | 2,
  versionId: (18 << 3) | 2,
  pairName: (1 << 3) | 2,
  pairValue: (2 << 3) | 2,
  policyChunkSizeBytes: 1 << 3,
  policyReplicationFactor: 2 << 3,
  policyTrashMs: 3 << 3,
} as const;

const FIRST_BYTES = 128 * 1024;
/** Tags, and numbers that grow on the way: more than a record can come to beyond its own size and that of its pairs. */
const MARGIN_BYTES = 128;
/** Of a file that was put without versioning. */
const NO_VERSION = { sequence: 0, isNull: true } as const;
/** What a pair of user metadata may take beyond its own bytes. */
const PAIR_MARGIN_BYTES = 8;

/** Makes one `ListResponse`, or one `ListObjectsResponse`, of records. */
export class ListingWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  #record: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** The size of the response so far. */
  get sizeBytes(): number {
    return this.#length;
  }

  /** Adds the entry of a sort name, in UTF-8, and a record as it is stored. */
  add(sortName: Uint8Array, record: Uint8Array): void {
    this.#reserveFor(sortName, record);
    this.#byte(TAG.entries);
    const start = this.#length;
    this.#entry(sortName, record, false);
    this.#insertSize(start);
  }

  /** Adds the object of a key; `isVersioned` says that its bucket has or had versioning. */
  addObject(key: Uint8Array, record: Uint8Array, isVersioned: boolean): void {
    this.#reserveFor(key, record);
    this.#byte(TAG.entries);
    const start = this.#length;
    this.#text(TAG.key, key);
    this.#byte(TAG.keyEntry);
    const entryStart = this.#length;
    this.#entry(key.subarray(key.lastIndexOf(SLASH) + 1), record, isVersioned);
    this.#insertSize(entryStart);
    this.#insertSize(start);
  }

  /** Adds what keys were rolled up into. */
  addCommonPrefix(key: Uint8Array): void {
    this.#reserve(key.byteLength + MARGIN_BYTES);
    this.#byte(TAG.entries);
    const start = this.#length;
    this.#text(TAG.key, key);
    this.#insertSize(start);
  }

  #entry(sortName: Uint8Array, record: Uint8Array, isVersioned: boolean): void {
    this.#record = record;
    this.#at = 1;
    const version = record[0];
    if (version === undefined || version < 1 || version > RECORD_VERSION) {
      throw new CairnError(
        "internal",
        `entry record has version ${version}, expected at most ${RECORD_VERSION}`,
      );
    }
    const kind = this.#readByte();
    const isDirectory = kind === DIRECTORY;
    if (!isDirectory && kind !== FILE) {
      throw new CairnError("internal", `an entry has the unknown kind ${kind}`);
    }
    this.#byte(TAG.kind);
    this.#byte(isDirectory ? KIND.directory : KIND.file);
    this.#name(sortName);
    this.#number(TAG.inodeId);
    this.#number(TAG.version);
    this.#number(TAG.createdMs);
    this.#number(TAG.modifiedMs);
    this.#number(TAG.mode);
    this.#sized(TAG.contentType);
    this.#pairs();
    if (isDirectory) this.#policy(version);
    else this.#file();
    if (version > 2) this.#sinceVersion3(isDirectory, isVersioned);
    else if (isVersioned) this.#versionId(NO_VERSION);
    if (this.#at !== record.byteLength) throw damaged(record);
  }

  /** Takes back what was added since there were `sizeBytes`. */
  cut(sizeBytes: number): void {
    this.#length = sizeBytes;
  }

  /** The response; `nextAfter` is the sort name to go on after, in UTF-8, and empty where there is no more. */
  finish(nextAfter: Uint8Array): Uint8Array {
    if (nextAfter.byteLength > 0) {
      this.#reserve(nextAfter.byteLength + MARGIN_BYTES);
      this.#text(TAG.nextAfter, nextAfter);
    }
    return this.#bytes.subarray(0, this.#length);
  }

  #text(tag: number, text: Uint8Array): void {
    this.#byte(tag);
    this.#varint(text.byteLength);
    this.#bytes.set(text, this.#length);
    this.#length += text.byteLength;
  }

  #name(sortName: Uint8Array): void {
    const { byteLength } = sortName;
    const nameBytes = sortName[byteLength - 1] === SLASH ? byteLength - 1 : byteLength;
    this.#byte(TAG.name);
    this.#varint(nameBytes);
    const at = this.#length;
    for (let index = 0; index < nameBytes; index++) this.#bytes[at + index] = sortName[index] ?? 0;
    this.#length = at + nameBytes;
  }

  #file(): void {
    this.#number(TAG.contentId);
    this.#number(TAG.sizeBytes);
    this.#number(TAG.chunkCount);
    this.#number(TAG.chunkSizeBytes);
    const replicationFactor = this.#readByte();
    if (replicationFactor > 0) {
      this.#byte(TAG.replicationFactor);
      this.#varint(replicationFactor);
    }
    this.#sized(TAG.sha256);
  }

  #sinceVersion3(isDirectory: boolean, isVersioned: boolean): void {
    if (isDirectory) {
      // That it is implied is nothing to its readers.
      this.#readByte();
      return;
    }
    if (this.#readByte() === 1) {
      this.#varint(TAG.object);
      this.#copySized(this.#peekSize());
    }
    const sequence = this.#readVarint();
    const isNull = this.#readByte() === 1;
    if (sequence > 0 || isVersioned) this.#versionId({ sequence, isNull });
  }

  #versionId(version: Parameters<typeof versionIdOf>[0]): void {
    const id = versionIdOf(version);
    this.#varint(TAG.versionId);
    this.#varint(id.length);
    this.#length += this.#bytes.write(id, this.#length, "latin1");
  }

  /** It is there even when it says nothing. */
  #policy(version: number): void {
    this.#byte(TAG.policy);
    const start = this.#length;
    if (this.#readByte() === 1) {
      this.#byte(TAG.policyChunkSizeBytes);
      this.#copyNumber();
    }
    if (this.#readByte() === 1) {
      this.#byte(TAG.policyReplicationFactor);
      this.#varint(this.#readByte());
    }
    if (version > 1 && this.#readByte() === 1) {
      this.#byte(TAG.policyTrashMs);
      this.#copyNumber();
    }
    this.#insertSize(start);
  }

  #pairs(): void {
    for (let left = this.#readNumber(); left > 0; left--) {
      this.#byte(TAG.userMetadata);
      const start = this.#length;
      this.#byte(TAG.pairName);
      this.#copySized(this.#peekSize());
      this.#byte(TAG.pairValue);
      this.#copySized(this.#peekSize());
      this.#insertSize(start);
    }
  }

  /** Copies a number behind its tag, unless it is 0. */
  #number(tag: number): void {
    if (this.#record[this.#at] === 0) {
      this.#at += 1;
      return;
    }
    this.#varint(tag);
    this.#copyNumber();
  }

  /** Copies a text or bytes behind their tag, unless they are empty. */
  #sized(tag: number): void {
    const sizeBytes = this.#peekSize();
    if (sizeBytes === 0) {
      this.#at += 1;
      return;
    }
    this.#byte(tag);
    this.#copySized(sizeBytes);
  }

  #copyNumber(): void {
    let byte: number;
    do {
      byte = this.#readByte();
      this.#byte(byte);
    } while (byte >= 0x80);
  }

  /** Copies a size and what it is the size of. */
  #copySized(sizeBytes: number): void {
    this.#copyNumber();
    const end = this.#at + sizeBytes;
    if (end > this.#record.byteLength) throw damaged(this.#record);
    if (sizeBytes > 0) this.#bytes.set(this.#record.subarray(this.#at, end), this.#length);
    this.#length += sizeBytes;
    this.#at = end;
  }

  #peekSize(): number {
    const at = this.#at;
    const size = this.#readNumber();
    this.#at = at;
    return size;
  }

  #readVarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#readByte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** A number that counts something in the record. */
  #readNumber(): number {
    const value = this.#readVarint();
    if (value > this.#record.byteLength) throw damaged(this.#record);
    return value;
  }

  #readByte(): number {
    const byte = this.#record[this.#at];
    if (byte === undefined) throw damaged(this.#record);
    this.#at += 1;
    return byte;
  }

  #byte(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #varint(value: number): void {
    let left = value;
    for (; left > 0x7f; left >>>= 7) this.#byte((left & 0x7f) | 0x80);
    this.#byte(left);
  }

  /** Puts the size of what was written since `start` before it. */
  #insertSize(start: number): void {
    const sizeBytes = this.#length - start;
    const shiftBytes = sizeBytes < 0x80 ? 1 : sizeBytes < 0x4000 ? 2 : 3;
    assert(sizeBytes < 0x20_0000, "an entry is smaller than 2 MiB");
    this.#bytes.copyWithin(start + shiftBytes, start, this.#length);
    this.#length = start;
    this.#varint(sizeBytes);
    this.#length += sizeBytes;
  }

  #reserveFor(name: Uint8Array, record: Uint8Array): void {
    // A pair takes two bytes of the record at least; a name may stand in a key as well.
    const recordBytes = record.byteLength * (1 + PAIR_MARGIN_BYTES / 2);
    this.#reserve(2 * name.byteLength + recordBytes + MARGIN_BYTES);
  }

  #reserve(sizeBytes: number): void {
    if (this.#length + sizeBytes <= this.#bytes.byteLength) return;
    const grown = Buffer.allocUnsafe((this.#length + sizeBytes) * 2);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

function damaged(record: Uint8Array): CairnError {
  return new CairnError("internal", `an entry record of ${record.byteLength} bytes cannot be read`);
}
