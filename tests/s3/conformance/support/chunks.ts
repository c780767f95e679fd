import { createHash, createHmac } from "node:crypto";
import type { Scope } from "./sign.ts";

/** What x-amz-content-sha256 says of each way to send a body. */
export const STREAMING: Readonly<Record<string, string>> = {
  unsigned: "UNSIGNED-PAYLOAD",
  chunks: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  chunksTrailer: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
  unsignedTrailer: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

export interface Chunking {
  /** Of the request's own signature; absent: chunks are not signed. */
  readonly scope: Scope | undefined;
  readonly chunkBytes: number;
  readonly trailer: { readonly name: string; readonly value: string } | undefined;
}

/** A body as aws-chunked carries it. */
export function chunked(body: Uint8Array, chunking: Chunking): Uint8Array {
  const { scope, trailer } = chunking;
  const pieces: (Uint8Array | string)[] = [];
  let previous = scope?.signature ?? "";
  for (let at = 0; at <= body.length; at += chunking.chunkBytes) {
    const chunk = body.subarray(at, at + chunking.chunkBytes);
    if (chunk.length === 0) break;
    previous = add(chunk, previous);
  }
  previous = add(new Uint8Array(), previous);
  if (trailer !== undefined) {
    pieces.push(`${trailer.name}:${trailer.value}\r\n`);
    if (scope !== undefined) {
      const text = [
        "AWS4-HMAC-SHA256-TRAILER",
        scope.stamp,
        scope.scope,
        previous,
        hash(`${trailer.name}:${trailer.value}\n`),
      ].join("\n");
      pieces.push(`x-amz-trailer-signature:${mac(scope.key, text)}\r\n`);
    }
    pieces.push("\r\n");
  } else pieces.push("\r\n");
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)),
  );

  function add(chunk: Uint8Array, before: string): string {
    const size = chunk.length.toString(16);
    if (scope === undefined) {
      pieces.push(`${size}\r\n`);
      if (chunk.length > 0) pieces.push(chunk, "\r\n");
      return "";
    }
    const text = [
      "AWS4-HMAC-SHA256-PAYLOAD",
      scope.stamp,
      scope.scope,
      before,
      hash(""),
      hash(chunk),
    ].join("\n");
    const signature = mac(scope.key, text);
    pieces.push(`${size};chunk-signature=${signature}\r\n`);
    if (chunk.length > 0) pieces.push(chunk, "\r\n");
    return signature;
  }
}

function hash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function mac(key: Uint8Array, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}
