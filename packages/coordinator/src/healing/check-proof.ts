import { CairnError } from "@cairnfs/base/errors";
import type { Receipt } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { isReceiptValid, type ReceiptFields } from "@cairnfs/protocol/receipt";

/** Refuses, as `receiptInvalid`, a copy that its node did not prove: no receipt, none that fits, or no key of a member. */
export function checkProof(
  key: Uint8Array | undefined,
  fields: ReceiptFields,
  receipt: Receipt | undefined,
): void {
  if (key !== undefined && receipt !== undefined && isReceiptValid(key, fields, receipt.mac))
    return;
  throw new CairnError(
    "receiptInvalid",
    `node ${fields.nodeNumber} did not prove its copy of chunk ${fields.chunkId}`,
  );
}
