import { crc32c } from "@cairnfs/base/checksum";

/**
 * Whose a data folder is.
 *
 *     0          8         10       12        28           44            48    49
 *     | cairnid1 | version | joined | node id | cluster id | node number | n   | receipt key (n bytes) | m | forward key (m bytes) | crc32c |
 *
 * All integers are big-endian; `version` and `joined` have two bytes, `node number` and the CRC-32C of all before it four.
 * `joined` is 0 in a folder whose node no cluster knows yet, and then all after the node id is 0. A folder that joined when there was no
 * forward key ends with the receipt key.
 */
export interface FolderIdentity {
  /** 16 bytes, made when the folder was first used. */
  readonly nodeId: Uint8Array;
  /** Undefined until the node has joined a cluster. */
  readonly joined: FolderMembership | undefined;
}

/** What a cluster gave the node when it joined. */
export interface FolderMembership {
  /** 16 bytes. */
  readonly clusterId: Uint8Array;
  readonly nodeNumber: number;
  /** At most 255 bytes. */
  readonly receiptKey: Uint8Array;
  /** At most 255 bytes; empty when the cluster gave none yet. */
  readonly forwardKey: Uint8Array;
}

export const ID_BYTES = 16;
const MAGIC = Buffer.from("cairnid1");
const VERSION = 1;
const FIXED_BYTES = 49;
const CHECKSUM_BYTES = 4;

export function encodeIdentity({ nodeId, joined }: FolderIdentity): Uint8Array {
  const keyBytes = joined?.receiptKey.byteLength ?? 0;
  const forwardKeyBytes = joined?.forwardKey.byteLength ?? 0;
  const bytes = Buffer.alloc(FIXED_BYTES + keyBytes + 1 + forwardKeyBytes + CHECKSUM_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(VERSION, 8);
  bytes.set(nodeId, 12);
  if (joined !== undefined) {
    bytes.writeUInt16BE(1, 10);
    bytes.set(joined.clusterId, 28);
    bytes.writeUInt32BE(joined.nodeNumber, 44);
    bytes.writeUInt8(keyBytes, 48);
    bytes.set(joined.receiptKey, FIXED_BYTES);
    bytes.writeUInt8(forwardKeyBytes, FIXED_BYTES + keyBytes);
    bytes.set(joined.forwardKey, FIXED_BYTES + keyBytes + 1);
  }
  const end = bytes.byteLength - CHECKSUM_BYTES;
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, end)), end);
  return bytes;
}

/** Undefined when the bytes are damaged or of another version. */
export function decodeIdentity(file: Uint8Array): FolderIdentity | undefined {
  const bytes = Buffer.from(file);
  const end = bytes.byteLength - CHECKSUM_BYTES;
  if (end < FIXED_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) return undefined;
  if (bytes.readUInt16BE(8) !== VERSION) return undefined;
  const nodeId = bytes.subarray(12, 12 + ID_BYTES);
  if (bytes.readUInt16BE(10) === 0) return { nodeId, joined: undefined };
  const keyEnd = FIXED_BYTES + bytes.readUInt8(48);
  return {
    nodeId,
    joined: {
      clusterId: bytes.subarray(28, 28 + ID_BYTES),
      nodeNumber: bytes.readUInt32BE(44),
      receiptKey: bytes.subarray(FIXED_BYTES, keyEnd),
      forwardKey: bytes.subarray(Math.min(keyEnd + 1, end), end),
    },
  };
}
