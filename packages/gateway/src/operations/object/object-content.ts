import type { FileEntry } from "@cairnfs/client";
import type { ObjectPart } from "@cairnfs/client/objects/multiparts";
import type { OpenedObject } from "@cairnfs/client/objects/objects";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import type { ByteTransform } from "../../encryption/content-cipher.ts";
import { readEncryption } from "../../encryption/object-encryption.ts";
import type { RequestedRange } from "../../s3/byte-range.ts";
import { S3Error } from "../../s3/errors.ts";
import type { GatewayParts, RequestHeaders, S3Reply } from "../../s3/operation.ts";

type ContentParts = Pick<GatewayParts, "client" | "masterKeys">;

/** Which bytes of an object are read, and with what key. */
export interface ContentRequest {
  /** All of them unless given. */
  readonly range: RequestedRange | undefined;
  /** A customer's key is in them. */
  readonly headers: RequestHeaders;
  /** The object is the source of a copy: its key has headers of its own. */
  readonly isOfSource?: boolean;
  readonly signal: AbortSignal;
}

/** The plain bytes of an object, in order; each part is good until the next one is asked for. */
export function plainContent(
  opened: OpenedObject,
  request: ContentRequest,
  parts: ContentParts,
): AsyncIterable<Uint8Array> {
  const { range } = request;
  const bytes = storedContent(opened, request, true);
  const { entry } = opened;
  if (entry === undefined || !isEncrypted(entry)) return bytes;
  return decrypted(bytes, decryptors(entry, request, parts), range?.firstByte ?? 0);
}

/** The body of a reply that sends the plain bytes of an object. */
export function contentBody(
  opened: OpenedObject,
  request: ContentRequest,
  parts: ContentParts,
): Pick<S3Reply, "body" | "giveBack"> {
  const { entry } = opened;
  if (entry === undefined || isEncrypted(entry)) {
    return { body: plainContent(opened, request, parts) };
  }
  return { body: storedContent(opened, request, false), giveBack: releaseReceived };
}

function isEncrypted({ object }: FileEntry): boolean {
  return object !== undefined && object.encryption.byteLength > 0;
}

function storedContent(
  opened: OpenedObject,
  { range, signal }: ContentRequest,
  isTransient: boolean,
): AsyncIterable<Uint8Array> {
  return opened.stream({
    offsetBytes: range?.firstByte ?? 0,
    ...(range !== undefined && { lengthBytes: range.lastByte - range.firstByte + 1 }),
    isTransient,
    signal,
  });
}

/** Decrypts the bytes of a content up to one of its offsets. */
interface Decryptor {
  readonly decrypt: ByteTransform;
  readonly endBytes: number;
}

/** Gives the decryptor for what begins at an offset; called with offsets that ascend. */
type FindDecryptor = (offsetBytes: number) => Promise<Decryptor>;

async function* decrypted(
  bytes: AsyncIterable<Uint8Array>,
  find: FindDecryptor,
  startBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = startBytes;
  let current: Decryptor | undefined;
  for await (const piece of bytes) {
    for (let at = 0; at < piece.byteLength; ) {
      if (current === undefined || position >= current.endBytes) current = await find(position);
      const taken = Math.min(piece.byteLength - at, current.endBytes - position);
      yield current.decrypt(piece.subarray(at, at + taken));
      at += taken;
      position += taken;
    }
  }
}

function decryptors(entry: FileEntry, request: ContentRequest, parts: ContentParts): FindDecryptor {
  const { headers, isOfSource, signal } = request;
  const of = async (record: Uint8Array, startBytes: number, sizeBytes: number, at: number) => {
    const encryption = await readEncryption(record, headers, parts, isOfSource);
    const decrypt = encryption?.cipher.decryptor(at - startBytes) ?? same;
    return { decrypt, endBytes: startBytes + sizeBytes };
  };
  const { object, sizeBytes } = entry;
  if (object === undefined || object.partCount === 0) {
    return (at) => of(object?.encryption ?? NONE, 0, sizeBytes, at);
  }
  const objectParts = partsOf(entry, parts, signal);
  return async (at) => {
    for (;;) {
      const { value: part, done } = await objectParts.next();
      if (done === true) throw new Error(`no part of ${entry.path} has byte ${at}`);
      const { offsetBytes } = part;
      if (at < offsetBytes + part.sizeBytes) {
        return of(part.object.encryption, offsetBytes, part.sizeBytes, at);
      }
    }
  };
}

const NONE = new Uint8Array(0);
const same: ByteTransform = (bytes) => bytes;

/** The parts that an object was made of, in order; none of an object that was put whole. */
export async function* partsOf(
  entry: Pick<FileEntry, "contentId">,
  { client }: Pick<GatewayParts, "client">,
  signal: AbortSignal,
): AsyncGenerator<ObjectPart, undefined, undefined> {
  let afterNumber = 0;
  for (;;) {
    const page = await client.multiparts.objectPartsPage(entry, { afterNumber, signal });
    yield* page.parts;
    afterNumber = page.parts.at(-1)?.number ?? afterNumber;
    if (!page.hasMore) return undefined;
  }
}

/** One part of an object by its number; `InvalidPartNumber` when there is none. An object that was put whole is its own part 1. */
export async function partRange(
  entry: FileEntry,
  number: number,
  { client }: Pick<GatewayParts, "client">,
  signal: AbortSignal,
): Promise<RequestedRange & { readonly part: ObjectPart | undefined }> {
  const whole = { firstByte: 0, lastByte: entry.sizeBytes - 1, part: undefined };
  if ((entry.object?.partCount ?? 0) === 0) {
    if (number === 1) return whole;
    throw noSuchPart(number, 1);
  }
  const page = await client.multiparts.objectPartsPage(entry, {
    afterNumber: number - 1,
    limit: 1,
    signal,
  });
  const [part] = page.parts;
  if (part?.number !== number) throw noSuchPart(number, entry.object?.partCount ?? 0);
  const { offsetBytes, sizeBytes } = part;
  return { firstByte: offsetBytes, lastByte: offsetBytes + sizeBytes - 1, part };
}

function noSuchPart(number: number, partCount: number): S3Error {
  return new S3Error("InvalidPartNumber", {
    details: { PartNumberRequested: String(number), ActualPartCount: String(partCount) },
  });
}
