import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";

declare const nodeIdBrand: unique symbol;
/** The id that a node chose at its first start, as 32 lower-case hexadecimal digits. */
export type NodeId = string & { readonly [nodeIdBrand]: true };

export const NODE_ID_BYTES = 16;

/** The id whose 16 bytes these are; anything else is refused as `invalidArgument`. */
export function nodeIdFromBytes(bytes: Uint8Array): NodeId {
  if (bytes.byteLength !== NODE_ID_BYTES) {
    throw new CairnError("invalidArgument", `a node id has 16 bytes, not ${bytes.byteLength}`);
  }
  // Just checked: 16 bytes are 32 digits.
  return toHex(bytes) as NodeId;
}

export function nodeIdToBytes(id: NodeId): Uint8Array {
  return Buffer.from(id, "hex");
}
