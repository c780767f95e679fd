/**
 * The coding "aws-chunked" of a payload:
 *
 *     chunk    = size in hexadecimal digits [";chunk-signature=" 64 digits] CR LF  data  CR LF
 *     payload  = chunks, none smaller than 8 KiB but the last
 *                "0" [";chunk-signature=" 64 digits] CR LF
 *                trailers: name ":" value CR LF, at last "x-amz-trailer-signature:" 64 digits CR LF where chunks are signed
 *                CR LF
 *
 * MinIO's clients end each trailer with LF alone, and all of them with a CR LF more.
 */

import { createHash } from "node:crypto";
import { S3Error } from "../s3/errors.ts";
import type { RequestBody } from "../s3/operation.ts";
import type { ChunkSigner } from "./chunk-signer.ts";
import { incomplete, LineReader } from "./line-reader.ts";

export type { ChunkSigner } from "./chunk-signer.ts";

export interface ChunkCoding {
  /** What x-amz-decoded-content-length says. */
  readonly lengthBytes: number;
  /** The trailers that were announced, lower case. */
  readonly trailerNames: readonly string[];
  /** Absent: chunks are not signed. */
  readonly signer: ChunkSigner | undefined;
}

const CHUNK_BYTES_MIN = 8 * 1024;
const LINE_BYTES_MAX = 1024;
const TRAILERS_MAX = 16;
const SIGNED_HEADER = /^([0-9A-Fa-f]{1,13});chunk-signature=([0-9a-f]{64})$/u;
const UNSIGNED_HEADER = /^([0-9A-Fa-f]{1,13})(?:;.*)?$/u;
const TRAILER_SIGNATURE = "x-amz-trailer-signature";

/** A payload that comes in chunks. It is handed on as it comes; a reader that has seen its end knows that all of it was as signed. */
export class ChunkedBody implements RequestBody {
  readonly lengthBytes: number;
  readonly trailerNames: readonly string[];
  readonly #trailers = new Map<string, string>();
  readonly #body: RequestBody;
  readonly #signer: ChunkSigner | undefined;

  constructor(body: RequestBody, { lengthBytes, trailerNames, signer }: ChunkCoding) {
    this.lengthBytes = lengthBytes;
    this.trailerNames = trailerNames;
    this.#body = body;
    this.#signer = signer;
  }

  get trailers(): ReadonlyMap<string, string> {
    return this.#trailers;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = new LineReader(this.#body);
    try {
      let leftBytes = this.lengthBytes;
      let previousBytes = CHUNK_BYTES_MIN;
      for (;;) {
        const { sizeBytes, signature } = this.#headerFrom(await reader.line(LINE_BYTES_MAX));
        if (sizeBytes > leftBytes) throw incomplete();
        if (sizeBytes > 0 && previousBytes < CHUNK_BYTES_MIN) throw tooSmall(previousBytes);
        yield* this.#chunk(reader, sizeBytes, signature);
        if (sizeBytes === 0) break;
        if ((await reader.line(0)) !== "") throw incomplete();
        leftBytes -= sizeBytes;
        previousBytes = sizeBytes;
      }
      if (leftBytes > 0) throw incomplete();
      await this.#readTrailers(reader);
      if (!(await reader.isAtEnd())) throw incomplete();
    } finally {
      await reader.close();
    }
  }

  async *#chunk(reader: LineReader, sizeBytes: number, signature: string) {
    const hash = this.#signer === undefined ? undefined : createHash("sha256");
    let leftBytes = sizeBytes;
    while (leftBytes > 0) {
      const slice = await reader.some(leftBytes);
      leftBytes -= slice.byteLength;
      hash?.update(slice);
      yield slice;
    }
    if (hash !== undefined) this.#signer?.checkChunk(signature, hash.digest("hex"));
  }

  #headerFrom(line: string): { readonly sizeBytes: number; readonly signature: string } {
    const found = (this.#signer === undefined ? UNSIGNED_HEADER : SIGNED_HEADER).exec(line);
    if (found === null) throw incomplete();
    const [, digits = "", signature = ""] = found;
    return { sizeBytes: Number.parseInt(digits, 16), signature };
  }

  async #readTrailers(reader: LineReader): Promise<void> {
    let lines = "";
    let signature: string | undefined;
    let isAfterBare = false;
    for (;;) {
      const { text: line, isBare } = await reader.looseLine(LINE_BYTES_MAX);
      if (line === "" && !isAfterBare) break;
      isAfterBare = isBare;
      if (line === "") continue;
      const at = line.indexOf(":");
      const name = line.slice(0, Math.max(at, 0)).trim().toLowerCase();
      const value = line.slice(at + 1).trim();
      if (name === TRAILER_SIGNATURE && this.#signer !== undefined) {
        signature = value;
        continue;
      }
      const isWanted = this.trailerNames.includes(name) && !this.#trailers.has(name);
      if (!isWanted || signature !== undefined || this.#trailers.size === TRAILERS_MAX) {
        throw new S3Error("MalformedTrailerError");
      }
      this.#trailers.set(name, value);
      lines += `${name}:${value}\n`;
    }
    if (this.#trailers.size < this.trailerNames.length) throw new S3Error("MalformedTrailerError");
    if (this.#signer === undefined || this.#trailers.size === 0) return;
    if (signature === undefined) throw incomplete();
    this.#signer.checkTrailers(signature, lines);
  }
}

function tooSmall(sizeBytes: number): S3Error {
  return new S3Error("InvalidChunkSizeError", {
    details: { BadChunkSize: String(sizeBytes) },
  });
}
