/**
 * A receipt: a node's proof that it holds a chunk, durable and verified.
 *
 *     key = HMAC-SHA-256(cluster secret, "receipt-key" | node id (16))
 *
 *     0                15           31         63       71      79           83
 *     | cairn-receipt-1 | session id | chunk id | length | epoch | node number |
 *     mac = first 16 bytes of HMAC-SHA-256(key, the 83 bytes above)
 *
 * A forward MAC: a node's proof to another of the same cluster that it compared the SHA-256 of a chunk with its id. Its message is
 * the same with `cairn-forward-1` and the number of the receiving node, its key the same for all nodes:
 *
 *     key = HMAC-SHA-256(cluster secret, "forward-key-1")
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
const FORWARD_KEY_LABEL = "forward-key-1";
const RECEIPT_LABEL = "cairn-receipt-1";
const FORWARD_LABEL = "cairn-forward-1";
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

/** The key with which the nodes of a cluster prove to each other that they are. */
export function forwardKey(clusterSecret: Uint8Array): Uint8Array {
  return createHmac("sha256", clusterSecret).update(FORWARD_KEY_LABEL).digest();
}

/** The 16 bytes that prove the fields to whoever knows the key. */
export function makeReceipt(key: Uint8Array, fields: ReceiptFields): Uint8Array {
  return macOf(RECEIPT_LABEL, key, fields);
}

/** Whether `mac` is the receipt for these fields; takes the same time whatever is wrong with it. */
export function isReceiptValid(key: Uint8Array, fields: ReceiptFields, mac: Uint8Array): boolean {
  return mac.byteLength === RECEIPT_MAC_BYTES && timingSafeEqual(makeReceipt(key, fields), mac);
}

/** The 16 bytes that prove to node `nodeNumber` that the bytes it gets were compared with the chunk's id. */
export function makeForwardMac(key: Uint8Array, fields: ReceiptFields): Uint8Array {
  return macOf(FORWARD_LABEL, key, fields);
}

/** Whether `mac` is the forward MAC for these fields; takes the same time whatever is wrong with it. */
export function isForwardMacValid(
  key: Uint8Array,
  fields: ReceiptFields,
  mac: Uint8Array,
): boolean {
  return mac.byteLength === RECEIPT_MAC_BYTES && timingSafeEqual(makeForwardMac(key, fields), mac);
}

/** Both labels have 15 bytes. */
function macOf(label: string, key: Uint8Array, fields: ReceiptFields): Uint8Array {
  const { sessionId } = fields;
  if (sessionId.byteLength !== SESSION_ID_BYTES) {
    throw new CairnError(
      "invalidArgument",
      `a session id has 16 bytes, not ${sessionId.byteLength}`,
    );
  }
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.write(label, 0, "latin1");
  message.set(sessionId, 15);
  message.set(chunkIdToBytes(fields.chunkId), 31);
  message.writeBigUInt64BE(BigInt(fields.lengthBytes), 63);
  message.writeBigUInt64BE(BigInt(fields.epoch), 71);
  message.writeUInt32BE(fields.nodeNumber, 79);
  return createHmac("sha256", key).update(message).digest().subarray(0, RECEIPT_MAC_BYTES);
}
