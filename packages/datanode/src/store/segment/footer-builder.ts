import { crc32c } from "@cairnfs/base/checksum";
import {
  ENTRY_BYTES,
  encodeEntry,
  encodeTrailer,
  type SegmentEntry,
  type SegmentHeader,
} from "./segment-format.ts";

/** Gathers the entries of a segment while it is written, as the bytes that its footer will be. */
export class FooterBuilder {
  #bytes = Buffer.alloc(64 * ENTRY_BYTES);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(entry: SegmentEntry): void {
    const at = this.#count * ENTRY_BYTES;
    if (at === this.#bytes.byteLength) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.byteLength)]);
    }
    encodeEntry(entry, this.#bytes, at);
    this.#count += 1;
  }

  /** What is written at the end of the records, which is at `sizeBytes`. */
  encode(
    segment: SegmentHeader & { readonly sizeBytes: number },
  ): readonly [Uint8Array, Uint8Array] {
    const footer = this.#bytes.subarray(0, this.#count * ENTRY_BYTES);
    const trailer = encodeTrailer({
      number: segment.number,
      salt: segment.salt,
      entryCount: this.#count,
      footerOffset: segment.sizeBytes,
      footerChecksum: crc32c(footer),
    });
    return [footer, trailer];
  }
}
