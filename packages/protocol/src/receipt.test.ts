import { sha256 } from "@cairnfs/base/checksum";
import { toHex } from "@cairnfs/base/hex";
import { expect, test } from "vitest";
import { chunkIdFromBytes } from "./chunk-id.ts";
import {
  forwardKey,
  isForwardMacValid,
  isReceiptValid,
  makeForwardMac,
  makeReceipt,
  type ReceiptFields,
  receiptKey,
} from "./receipt.ts";

const SECRET = new Uint8Array(32).fill(0x11);
const NODE_ID = new Uint8Array(16).fill(0x22);
const FIELDS: ReceiptFields = {
  sessionId: new Uint8Array(16).fill(0x33),
  chunkId: chunkIdFromBytes(sha256(Buffer.from("abc"))),
  lengthBytes: 3,
  epoch: 7,
  nodeNumber: 9,
};

const OTHERS: readonly Partial<ReceiptFields>[] = [
  { sessionId: new Uint8Array(16).fill(0x34) },
  { chunkId: chunkIdFromBytes(sha256(Buffer.from("abd"))) },
  { lengthBytes: 4 },
  { epoch: 8 },
  { nodeNumber: 10 },
];

// The example of docs/formats/receipt.md: other bytes are another format.
test("the key and the receipt of the documented example are these bytes", () => {
  const key = receiptKey(SECRET, NODE_ID);
  expect(toHex(key)).toBe("6c8c0d71c80969b1cc27077ec8b1372d441caef666b8c78642cec0c9d7b84628");
  expect(toHex(makeReceipt(key, FIELDS))).toBe("84390205b53d45ed23b9b16891cf205e");
});

test("the forward key and MAC of the documented example are these bytes", () => {
  const key = forwardKey(SECRET);
  expect(toHex(key)).toBe("480253970c5ddaeb246bcfa752ec1e0d95e0c36fda2b5be820268d055d716715");
  expect(toHex(makeForwardMac(key, FIELDS))).toBe("e2f707afc019c59a8c8a997e82a7c040");
});

test("a receipt holds for exactly its own fields and key", () => {
  const key = receiptKey(SECRET, NODE_ID);
  const mac = makeReceipt(key, FIELDS);
  expect(isReceiptValid(key, FIELDS, mac)).toBe(true);
  for (const other of OTHERS) expect(isReceiptValid(key, { ...FIELDS, ...other }, mac)).toBe(false);
  const foreignKey = receiptKey(SECRET, new Uint8Array(16).fill(0x23));
  expect(isReceiptValid(foreignKey, FIELDS, mac)).toBe(false);
  expect(isReceiptValid(key, FIELDS, mac.subarray(0, 15))).toBe(false);
  expect(isReceiptValid(key, FIELDS, new Uint8Array(0))).toBe(false);
});

test("a forward MAC holds for exactly its own fields, and is no receipt", () => {
  const key = forwardKey(SECRET);
  const mac = makeForwardMac(key, FIELDS);
  expect(isForwardMacValid(key, FIELDS, mac)).toBe(true);
  for (const other of OTHERS)
    expect(isForwardMacValid(key, { ...FIELDS, ...other }, mac)).toBe(false);
  expect(isForwardMacValid(key, FIELDS, makeReceipt(key, FIELDS))).toBe(false);
  expect(isReceiptValid(key, FIELDS, mac)).toBe(false);
  expect(isForwardMacValid(receiptKey(SECRET, NODE_ID), FIELDS, mac)).toBe(false);
  expect(isForwardMacValid(key, FIELDS, new Uint8Array(0))).toBe(false);
});

test("lengths and epochs beyond 32 bits are told apart", () => {
  const key = receiptKey(SECRET, NODE_ID);
  const mac = makeReceipt(key, { ...FIELDS, epoch: 2 ** 40 + 7 });
  expect(isReceiptValid(key, FIELDS, mac)).toBe(false);
});

test("ids of a wrong length are refused with what was expected", () => {
  const key = receiptKey(SECRET, NODE_ID);
  expect(() => receiptKey(SECRET, new Uint8Array(15))).toThrow("16 bytes, not 15");
  expect(() => makeReceipt(key, { ...FIELDS, sessionId: new Uint8Array(17) })).toThrow(
    "16 bytes, not 17",
  );
});
