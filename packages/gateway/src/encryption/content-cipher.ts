import { createCipheriv } from "node:crypto";

const BLOCK_BYTES = 16;
const FIRST_COUNTER = Buffer.alloc(BLOCK_BYTES);

/** Encrypts or decrypts the next bytes. */
export type ByteTransform = (bytes: Uint8Array) => Uint8Array;

/**
 * AES-256 in counter mode under a key that is used for one content alone, so that the counter starts at 0: stored and plain bytes have the same
 * places, and any range can be decrypted by itself.
 */
export class ContentCipher {
  readonly #key: Uint8Array;

  /** `key`: 32 bytes that no other content was encrypted with. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Encrypts a content from its beginning. */
  encryptor(): ByteTransform {
    return this.#from(0);
  }

  /** Decrypts a content from this byte on. */
  decryptor(offsetBytes: number): ByteTransform {
    return this.#from(offsetBytes);
  }

  #from(offsetBytes: number): ByteTransform {
    const counter = Buffer.from(FIRST_COUNTER);
    counter.writeBigUInt64BE(BigInt(Math.floor(offsetBytes / BLOCK_BYTES)), 8);
    const cipher = createCipheriv("aes-256-ctr", this.#key, counter);
    const skipped = offsetBytes % BLOCK_BYTES;
    if (skipped > 0) cipher.update(Buffer.alloc(skipped));
    return (bytes) => cipher.update(bytes);
  }
}
