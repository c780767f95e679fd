import type { KvReader } from "@cairnfs/kv/kv-store";
import { versions } from "../keyspace.ts";
import type { InodeId } from "../namespace/ids.ts";
import type { VersionRecord } from "../objects/version-record.ts";
import { RowRun } from "./row-run.ts";

/** A key ends with NUL and its sequence follows. */
const AFTER_KEY_BYTES = 9;
const NUL = Buffer.alloc(1);

/** A version that is not in the tree. */
export interface VersionPlace {
  readonly key: Buffer;
  readonly sequence: number;
  readonly record: VersionRecord;
  readonly sizeBytes: number;
}

/** The versions and delete markers of a bucket that are not in the tree: by key, of one key the newest first. */
export class VersionRun {
  readonly #reader: KvReader;
  readonly #run: RowRun;

  constructor(reader: KvReader, bucketId: InodeId) {
    this.#reader = reader;
    this.#run = new RowRun(versions.bounds({ within: [bucketId] }).start);
  }

  /** The version at the place; `undefined` behind the last one. */
  async place(): Promise<VersionPlace | undefined> {
    const found = this.#run.row(this.#reader);
    const row = found instanceof Promise ? await found : found;
    if (row === undefined) return undefined;
    const rest = this.#run.restOf(row);
    return {
      key: rest.subarray(0, rest.byteLength - AFTER_KEY_BYTES),
      sequence: versions.keyFrom(row.key)[2],
      record: versions.decode(row.value),
      sizeBytes: row.value.byteLength,
    };
  }

  pass(): void {
    this.#run.pass();
  }

  /** Moves on to the first key that is not before `target`; never back. */
  moveTo(target: Buffer): void {
    this.#run.moveTo(target);
  }

  /** Moves on to what is older than the version of this sequence. */
  moveAfter(key: Buffer, sequence: number): void {
    const newest = Buffer.alloc(AFTER_KEY_BYTES);
    newest.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER - sequence), 1);
    this.#run.moveTo(Buffer.concat([key, newest, NUL]));
  }
}
