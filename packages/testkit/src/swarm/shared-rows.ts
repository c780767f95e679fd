import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Node, NodeSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";

/** An answer without its node updates, and those by themselves. */
export interface SplitAnswer {
  readonly rest: Uint8Array;
  readonly updates: Uint8Array | undefined;
}

/** Takes the node updates, which are field `updatesField`, out of an encoded answer. */
export function splitAnswer(bytes: Uint8Array, updatesField: number): SplitAnswer {
  const reader = new BinaryReader(bytes);
  const kept: Uint8Array[] = [];
  let updates: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const [field, wireType] = reader.tag();
    if (field === updatesField && wireType === WireType.LengthDelimited) updates = reader.bytes();
    else {
      reader.skip(wireType, field);
      kept.push(bytes.subarray(from, reader.pos));
    }
  }
  return { rest: Buffer.concat(kept), updates };
}

/** What node updates say, their rows shared. */
export interface SharedUpdates {
  readonly version: bigint;
  readonly isWhole: boolean;
  readonly nodes: readonly Node[];
}

const ROWS_MAX = 200_000;

/**
 * Rows of node tables, decoded once for all the nodes of a process: thousands of whole copies fit in its memory, as
 * long as most rows of most of them are the same.
 */
export class SharedRows {
  readonly #rows = new Map<string, Node>();
  /** The whole table that came last: many get the same. */
  #last: { readonly bytes: Uint8Array; readonly updates: SharedUpdates } | undefined;

  decode(updates: Uint8Array): SharedUpdates {
    const before = this.#last;
    if (before !== undefined && Buffer.compare(before.bytes, updates) === 0) return before.updates;
    const decoded = this.#decode(updates);
    if (decoded.isWhole) this.#last = { bytes: updates, updates: decoded };
    return decoded;
  }

  #decode(updates: Uint8Array): SharedUpdates {
    const reader = new BinaryReader(updates);
    const buffer = Buffer.from(updates.buffer, updates.byteOffset, updates.byteLength);
    const nodes: Node[] = [];
    let version = 0n;
    let isWhole = false;
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1) version = BigInt(reader.uint64());
      else if (field === 2) isWhole = reader.bool();
      else if (field === 3) nodes.push(this.#row(buffer, reader));
      else reader.skip(wireType, field);
    }
    return { version, isWhole, nodes };
  }

  #row(buffer: Buffer, reader: BinaryReader): Node {
    const sizeBytes = reader.uint32();
    const from = reader.pos;
    reader.pos += sizeBytes;
    const key = buffer.toString("latin1", from, reader.pos);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    // Rows of the past are not told from those in use: all go, and what is in use comes back.
    if (this.#rows.size >= ROWS_MAX) this.#rows.clear();
    const row = fromBinary(NodeSchema, new Uint8Array(buffer.subarray(from, reader.pos)));
    this.#rows.set(key, row);
    return row;
  }
}
