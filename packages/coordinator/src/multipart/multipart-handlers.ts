import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import type { ObjectAttributes } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  AbortMultipartResponseSchema,
  CompleteMultipartResponseSchema,
  type CopyPartRequest,
  CopyPartResponseSchema,
  CreateMultipartResponseSchema,
  type ListedMultipartSchema,
  type MultipartService,
} from "@cairnfs/protocol/gen/cairn/v1/multipart_pb";
import { decoderOf, encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { requireBucket } from "../buckets/read-bucket.ts";
import { parseAttributes } from "../namespace/attributes.ts";
import { NO_BYTES } from "../namespace/content.ts";
import { partsAfterNumber } from "../namespace/content-parts.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { contentId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { parseKeyPath } from "../namespace/path.ts";
import { parsePrecondition } from "../namespace/precondition.ts";
import { readableContent } from "../namespace/readable-content.ts";
import { pageLimit, shortText } from "../namespace/request-limits.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { encodeObjectAttributes } from "../objects/object-attributes.ts";
import { checkPartNumber } from "../objects/object-terms.ts";
import { requireSource } from "../objects/read-version.ts";
import { parseVersionId } from "../objects/version-id.ts";
import { idsFor } from "../services/namespace-handlers.ts";
import { type CompleteMultipart, completeMultipart } from "./complete-multipart.ts";
import { copyPart } from "./copy-part.ts";
import { findMultipart, type MultipartName, requireOpen } from "./find-multipart.ts";
import { abortMultipart } from "./let-go-parts.ts";
import { type ListedUploads, listMultiparts } from "./list-multiparts.ts";
import { multipartMessage, partMessage, placedPartMessage } from "./multipart-messages.ts";
import { OPEN } from "./multipart-record.ts";
import { multipartKeys, multipartParts, multiparts } from "./multipart-tables.ts";
import { checkUploadId, UPLOAD_SALT_BYTES, uploadIdOf, uploadNumberOf } from "./upload-id.ts";

export interface MultipartParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly mutator: Mutator;
  /** Hears that parts are to be let go. */
  readonly onEnded: () => void;
}

export type MultipartHandlers = ServiceHandlers<typeof MultipartService>;

const decodeCompleted = decoderOf(CompleteMultipartResponseSchema, "internal");

/** Answers what is asked of uploads in parts. */
export function multipartHandlers(parts: MultipartParts): MultipartHandlers {
  return { ...changeHandlers(parts), ...readHandlers(parts) };
}

function changeHandlers({ random, mutator, onEnded }: MultipartParts) {
  return {
    async createMultipart(request, call) {
      const { bucket, key } = request;
      parseKeyPath(bucket, key);
      const salt = random.bytes(UPLOAD_SALT_BYTES);
      const said = {
        attributes: parseAttributes(request.attributes),
        object: encodedOr(request.object, NO_BYTES),
        owner: shortText(request.owner, "owner"),
        initiator: shortText(request.initiator, "initiator"),
      };
      return mutator.answer(call, CreateMultipartResponseSchema, 1, async (mutation) => {
        const { tx, nowMs } = mutation;
        const bucketId = (await requireBucket(tx, bucket)).entry.inodeId;
        const number = mutation.nextId();
        const uploadId = uploadIdOf(number, salt);
        multiparts.put(tx, number, { bucketId, key, salt, createdMs: nowMs, ...said, state: OPEN });
        multipartKeys.put(tx, [bucketId, key, uploadId], true);
        return { uploadId };
      });
    },

    async copyPart(request, call) {
      const partNumber = checkPartNumber(request.partNumber);
      const object = encodedOr(request.object, NO_BYTES);
      const range = request.range && {
        offsetBytes: wholeNumber(request.range.offsetBytes, "range.offset_bytes"),
        lengthBytes: wholeNumber(request.range.lengthBytes, "range.length_bytes"),
      };
      const wanted = { ...nameOf(request), partNumber, object, range };
      return mutator.answer(call, CopyPartResponseSchema, 1, async (mutation) => {
        const source = await sourceOf(mutation.tx, request);
        const part = await copyPart(mutation, { ...wanted, source });
        return { part: partMessage(partNumber, part) };
      });
    },

    async completeMultipart(request, call) {
      const wanted: CompleteMultipart = {
        ...nameOf(request),
        parts: request.parts.map((part) => ({
          number: part.number,
          contentId: wholeNumber(part.contentId, "content_id"),
        })),
        precondition: parsePrecondition(request.precondition),
        object: request.object && encodeObjectAttributes(request.object),
        answer: (slot, entry) =>
          joinParts(
            encodeMessage(CompleteMultipartResponseSchema, {
              entry: entryMessage(slot.name, entry),
            }),
          ),
      };
      const path = parseKeyPath(request.bucket, request.key);
      // Attempts of one call get one answer, even where the bucket has another name since.
      const answer = await mutator.answer(
        call,
        CompleteMultipartResponseSchema,
        idsFor(path),
        async (mutation) => decodeCompleted(await completeMultipart(mutation, wanted)),
      );
      onEnded();
      return answer;
    },

    async abortMultipart(request, call) {
      const name = nameOf(request);
      const abort = async ({ tx, nowMs }: Mutation) => {
        abortMultipart(tx, await requireOpen(tx, name), nowMs);
        return {};
      };
      const answer = await mutator.answer(call, AbortMultipartResponseSchema, 0, abort, FREES);
      onEnded();
      return answer;
    },
  } satisfies Partial<MultipartHandlers>;
}

function readHandlers({ kv, clock }: MultipartParts) {
  return {
    async statMultipart(request) {
      const name = nameOf(request);
      return kv.read(async (reader) => {
        const { record } = await findMultipart(reader, name);
        const upload = multipartMessage(name, record);
        if (record.state.kind !== "completed") return { upload };
        const { answer } = record.state;
        const { entry } = decodeCompleted(answer);
        return { upload, ...(entry && { completed: entry }) };
      });
    },

    async listParts(request) {
      const name = nameOf(request);
      const limit = pageLimit(request.limit);
      return kv.read(async (reader) => {
        const { number, record } = await requireOpen(reader, name);
        const rows = await multipartParts.page(reader, {
          within: [number],
          after: [number, request.afterNumber],
          limit: limit + 1,
        });
        return {
          upload: multipartMessage(name, record),
          parts: rows.slice(0, limit).map(({ key, value }) => partMessage(key[1], value)),
          isTruncated: rows.length > limit,
        };
      });
    },

    async listMultiparts(request) {
      const { bucket, prefix, delimiter, afterKey, afterUploadId } = request;
      const limit = pageLimit(request.limit);
      const page = { bucket, prefix, delimiter, afterKey, limit };
      const after = afterUploadId.byteLength === 0 ? afterUploadId : checkUploadId(afterUploadId);
      return kv.read(async (reader) => {
        const listed = await listMultiparts(reader, { ...page, afterUploadId: after });
        const { messages, last } = await listedMessages(reader, bucket, listed);
        return {
          items: messages,
          nextAfterKey: last?.key ?? "",
          nextAfterUploadId: last?.uploadId ?? NO_BYTES,
        };
      });
    },

    async getContentParts({ contentId: id, afterNumber, limit }) {
      const shown = contentId(wholeNumber(id, "content_id"));
      const max = pageLimit(limit);
      return kv.read(async (reader) => {
        const content = await readableContent(reader, shown, nowMsOf(clock));
        const page = { afterNumber, limit: max + 1 };
        const parts = await partsAfterNumber(reader, content, page);
        return {
          parts: parts.slice(0, max).map(placedPartMessage),
          isTruncated: parts.length > max,
        };
      });
    },
  } satisfies Partial<MultipartHandlers>;
}

function nameOf({ bucket, key, uploadId }: MultipartName): MultipartName {
  return { bucket, key, uploadId: checkUploadId(uploadId) };
}

/** What is said of uploads may be long: a page that has so much of it ends. */
const PAGE_BYTES = 2 * 1024 * 1024;

/**
 * What is listed, as clients see it, as far as it fits a message, and where to go on, if there is more. A row whose upload is not
 * there is damage, and passed over.
 */
async function listedMessages(reader: KvReader, bucket: string, { items, hasMore }: ListedUploads) {
  const messages: MessageInitShape<typeof ListedMultipartSchema>[] = [];
  let leftBytes = PAGE_BYTES;
  for (const [at, item] of items.entries()) {
    const { key, uploadId } = item;
    const record = uploadId && (await multiparts.get(reader, uploadNumberOf(uploadId)));
    if (uploadId === undefined) messages.push({ key });
    else if (record !== undefined) {
      messages.push({ key, upload: multipartMessage({ bucket, key, uploadId }, record) });
      leftBytes -= multiparts.encode(record).byteLength;
    }
    if (leftBytes <= 0 && at < items.length - 1) return { messages, last: item };
  }
  return { messages, last: hasMore ? items.at(-1) : undefined };
}

function encodedOr(message: ObjectAttributes | undefined, otherwise: Uint8Array): Uint8Array {
  return message === undefined ? otherwise : encodeObjectAttributes(message);
}

/** The object that is to become a part, which must be the one that the caller has looked at. */
async function sourceOf(reader: KvReader, request: CopyPartRequest): Promise<FileEntry> {
  const path = parseKeyPath(request.sourceBucket, request.sourceKey);
  const choice = parseVersionId(request.sourceVersionId);
  const inodeId = wholeNumber(request.sourceInodeId, "source_inode_id");
  return requireSource(reader, path, choice, inodeId);
}
