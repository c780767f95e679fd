import { BLOCK_BYTES } from "@cairnfs/protocol/chunk-id";
import { blockChecksums } from "@cairnfs/protocol/transfer/block-checksums";
import { expect, test } from "vitest";
import { BlockProof } from "./block-proof.ts";

function frameAt(offsetBytes: number, isRight: boolean) {
  const data = Buffer.alloc(2 * BLOCK_BYTES, offsetBytes / BLOCK_BYTES);
  const checksums = blockChecksums(data);
  if (!isRight) checksums[1] = (checksums[1] ?? 0) ^ 1;
  return { offsetBytes, data, blockChecksums: checksums, isFinal: false };
}

test("a frame that nobody else has compared is compared, and the wrong block named", () => {
  const proof = new BlockProof();
  proof.prove(frameAt(0, true));
  expect(proof.covers(2 * BLOCK_BYTES)).toBe(true);
  expect(() => proof.prove(frameAt(2 * BLOCK_BYTES, false))).toThrow(
    expect.objectContaining({
      reason: "chunkMismatch",
      details: { offsetBytes: 3 * BLOCK_BYTES },
    }),
  );
  expect(proof.covers(2 * BLOCK_BYTES + 1)).toBe(false);
});

test("a frame that another node has compared whole is not compared again, one that it has in part is", () => {
  const proof = new BlockProof();
  proof.provenElsewhere(2 * BLOCK_BYTES);
  proof.prove(frameAt(0, false));
  proof.provenElsewhere(3 * BLOCK_BYTES);
  expect(() => proof.prove(frameAt(2 * BLOCK_BYTES, false))).toThrow(
    expect.objectContaining({ reason: "chunkMismatch" }),
  );
});

test("a frame that is compared out of turn proves nothing of those before it", () => {
  const proof = new BlockProof();
  proof.prove(frameAt(2 * BLOCK_BYTES, true));
  expect(proof.covers(1)).toBe(false);
});
