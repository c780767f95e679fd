import type { Random } from "@cairnfs/base/random";

/** Names requests: unique within a gateway's life, and among gateways but for a chance of one in four billion. */
export class RequestIds {
  /** Which gateway answered; S3's x-amz-id-2. */
  readonly hostId: string;
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.hostId = Buffer.from(random.bytes(48)).toString("base64");
    this.#prefix = Buffer.from(random.bytes(4)).toString("hex").toUpperCase();
  }

  /** 16 hexadecimal digits, upper case. */
  next(): string {
    this.#count = (this.#count + 1) % 2 ** 32;
    return this.#prefix + this.#count.toString(16).toUpperCase().padStart(8, "0");
  }
}
