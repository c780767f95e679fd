/**
 * A receipt: a node's proof that it holds a chunk, durable and verified.
 *
 *     key = HMAC-SHA-256(cluster secret, "receipt-key" | node id (16))
 *
 *     0                15           31         63       71      79           83
 *     | cairn-receipt-1 | session id | chunk id | length | epoch | node number |
 *     mac = first 16 bytes of HMAC-SHA-256(key, the 83 bytes above)
 *
 * All integers are big-endian. The register is docs/formats/receipt.md.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { CairnError } from "@cairnfs/base/errors";
import { type ChunkId, chunkIdToBytes } from "./chunk-id.ts";

export const SESSION_ID_BYTES = 16;
export const NODE_ID_BYTES = 16;
export const RECEIPT_MAC_BYTES = 16;

const KEY_LABEL = "receipt-key";
const MAC_LABEL = "cairn-receipt-1";
const MESSAGE_BYTES = 83;

/** What a receipt vouches for. */
export interface ReceiptFields {
  readonly sessionId: Uint8Array;
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
  readonly epoch: number;
  readonly nodeNumber: number;
}

/** The key with which a node makes its receipts; only the coordinator can derive it. */
export function receiptKey(clusterSecret: Uint8Array, nodeId: Uint8Array): Uint8Array {
  if (nodeId.byteLength !== NODE_ID_BYTES) {
    throw new CairnError("invalidArgument", `a node id has 16 bytes, not ${nodeId.byteLength}`);
  }
  return createHmac("sha256", clusterSecret).update(KEY_LABEL).update(nodeId).digest();
}

/** The 16 bytes that prove the fields to whoever knows the key. */
export function makeReceipt(key: Uint8Array, fields: ReceiptFields): Uint8Array {
  const { sessionId } = fields;
  if (sessionId.byteLength !== SESSION_ID_BYTES) {
    throw new CairnError(
      "invalidArgument",
      `a session id has 16 bytes, not ${sessionId.byteLength}`,
    );
  }
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.write(MAC_LABEL, 0, "latin1");
  message.set(sessionId, 15);
  message.set(chunkIdToBytes(fields.chunkId), 31);
  message.writeBigUInt64BE(BigInt(fields.lengthBytes), 63);
  message.writeBigUInt64BE(BigInt(fields.epoch), 71);
  message.writeUInt32BE(fields.nodeNumber, 79);
  return createHmac("sha256", key).update(message).digest().subarray(0, RECEIPT_MAC_BYTES);
}

/** Whether `mac` is the receipt for these fields; takes the same time whatever is wrong with it. */
export function isReceiptValid(key: Uint8Array, fields: ReceiptFields, mac: Uint8Array): boolean {
  if (mac.byteLength !== RECEIPT_MAC_BYTES) return false;
  return timingSafeEqual(makeReceipt(key, fields), mac);
}
