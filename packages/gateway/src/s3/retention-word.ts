import { RetentionMode } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import type { RetentionWord } from "../documents/object-lock.ts";

/** How S3 writes the mode of a retention; undefined for no retention. */
export function retentionWord(mode: number): RetentionWord | undefined {
  if (mode === RetentionMode.UNSPECIFIED) return undefined;
  return mode === RetentionMode.GOVERNANCE ? "GOVERNANCE" : "COMPLIANCE";
}

/** The mode that S3 writes so. */
export function retentionMode(word: RetentionWord): number {
  return word === "GOVERNANCE" ? RetentionMode.GOVERNANCE : RetentionMode.COMPLIANCE;
}
