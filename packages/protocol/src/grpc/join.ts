import { joinParts } from "../rpc/codec.ts";
import type { MessageParts } from "../rpc/transport.ts";

/** The message in one buffer, as gRPC wants it; copied only where it has several parts. */
export function joinToBuffer(parts: MessageParts): Buffer {
  const [only] = parts;
  const bytes = parts.length === 1 && only !== undefined ? only : joinParts(parts);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
