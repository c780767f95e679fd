import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import type { Context } from "../context.ts";
import { CommandFailure } from "../failure.ts";

/** A short text from a local file, or from stdin as "-". */
export async function readText(context: Context, file: string, bytesMax: number): Promise<string> {
  const { stdin, folder, signal } = context;
  const source: AsyncIterable<Uint8Array> =
    file === "-" ? stdin : createReadStream(resolve(folder, file), { signal });
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of source) {
    parts.push(part);
    sizeBytes += part.byteLength;
    if (sizeBytes > bytesMax) {
      throw new CommandFailure("usage", `${file} has more than ${bytesMax} bytes`);
    }
  }
  return Buffer.concat(parts).toString("utf8");
}
