import { S3Error } from "../s3/errors.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Lines and bytes in turn from pieces as they come; bytes are handed on as slices of the pieces, without copying. */
export class LineReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next line without its CR LF, as Latin-1 text. A longer one, and a body that ends here, are `IncompleteBody`. */
  async line(bytesMax: number): Promise<string> {
    const { text, isBare } = await this.looseLine(bytesMax);
    if (isBare) throw incomplete();
    return text;
  }

  /** The same where a line may end with LF alone: then it is bare. */
  async looseLine(bytesMax: number): Promise<{ readonly text: string; readonly isBare: boolean }> {
    let line = "";
    for (;;) {
      if (!(await this.#fill())) throw incomplete();
      const end = this.#piece.indexOf(LINE_FEED, this.#at);
      const stop = end === -1 ? this.#piece.byteLength : end + 1;
      if (line.length + stop - this.#at > bytesMax + 2) throw incomplete();
      line += latin1(this.#piece.subarray(this.#at, stop));
      this.#at = stop;
      if (end === -1) continue;
      const isBare = line.charCodeAt(line.length - 2) !== CARRIAGE_RETURN;
      return { text: line.slice(0, isBare ? -1 : -2), isBare };
    }
  }

  /** What is there of the next `bytesMax` bytes, at least one; a body that ends here is `IncompleteBody`. */
  async some(bytesMax: number): Promise<Uint8Array> {
    if (!(await this.#fill())) throw incomplete();
    const stop = Math.min(this.#piece.byteLength, this.#at + bytesMax);
    const slice = this.#piece.subarray(this.#at, stop);
    this.#at = stop;
    return slice;
  }

  /** Whether nothing follows. */
  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** Lets go of the pieces. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #fill(): Promise<boolean> {
    while (this.#at === this.#piece.byteLength) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      this.#piece = next.value;
      this.#at = 0;
    }
    return true;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A body that does not go on as it has to. */
export function incomplete(): S3Error {
  return new S3Error("IncompleteBody", { message: "The request body terminated unexpectedly" });
}
