import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { fromHex, toHex } from "@cairnfs/base/hex";
import {
  type ObjectAttributes as ObjectAttributesMessage,
  ObjectAttributesSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type {
  Multipart as MultipartMessage,
  Part as PartMessage,
} from "@cairnfs/protocol/gen/cairn/v1/multipart_pb";
import type { CallerOptions } from "../client-options.ts";
import type { CoordinatorCalls } from "../coordinator-calls.ts";
import {
  attributesToWire,
  count,
  type EntryAttributes,
  type EntryPrecondition,
  entryFromWire,
  type FileEntry,
  preconditionToWire,
} from "../entry.ts";
import { put } from "../upload/put.ts";
import type { UploadSource } from "../upload/source.ts";
import type { UploadParts } from "../upload/upload-parts.ts";
import {
  type ObjectAttributes,
  objectAttributesFromWire,
  objectAttributesToWire,
} from "./object-attributes.ts";
import { type ObjectSaid, partPut } from "./object-put.ts";

/** An upload of an object in parts. */
export interface MultipartUpload {
  /** Hexadecimal digits; of one key it grows with the time. */
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly createdMs: number;
  readonly contentType: string | undefined;
  readonly userMetadata: Readonly<Record<string, string>> | undefined;
  /** What was said of the object that it becomes. */
  readonly object: ObjectAttributes;
  /** A user's id; empty: the root user. */
  readonly owner: string;
  readonly initiator: string;
}

/** A part of an upload, or of an object. */
export interface ObjectPart {
  /** 1 to 10,000. */
  readonly number: number;
  readonly sizeBytes: number;
  /** Of a part of an upload. */
  readonly modifiedMs: number;
  /** Another one when the part is uploaded again. */
  readonly contentId: number;
  readonly object: ObjectAttributes;
  /** Of a part of an object: where it starts. */
  readonly offsetBytes: number;
}

export interface CreateMultipartOptions extends EntryAttributes, CallerOptions {
  readonly object?: Partial<ObjectAttributes> | undefined;
  readonly owner?: string | undefined;
  readonly initiator?: string | undefined;
}

export interface PutPartOptions extends ObjectSaid, CallerOptions {
  /** The source's size, where it is known: it must have just this. */
  readonly sizeBytes?: number | undefined;
  /** As of an object that is put whole. */
  readonly memoryPatienceMs?: number | undefined;
}

export interface PutPart {
  readonly sizeBytes: number;
  readonly contentId: number;
  readonly object: ObjectAttributes | undefined;
}

/** The object that becomes a part, or a range of which does, by metadata alone. */
export interface PartSource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  /** It must still be this one; otherwise `preconditionFailed`. */
  readonly inodeId: number;
  /** All of it unless given; one that does not begin and end where chunks do is `conflictingState`. */
  readonly range?: { readonly offsetBytes: number; readonly lengthBytes: number } | undefined;
}

export interface CopyPartOptions extends CallerOptions {
  /** What is said of the part. */
  readonly object?: Partial<ObjectAttributes> | undefined;
}

export interface PartsPageOptions extends CallerOptions {
  readonly afterNumber?: number | undefined;
  /** 1 to 1,000, which it is unless given. */
  readonly limit?: number | undefined;
}

export interface PartsPage {
  /** In the order of their numbers. */
  readonly parts: readonly ObjectPart[];
  readonly hasMore: boolean;
}

export interface ListMultipartsOptions extends CallerOptions {
  readonly prefix?: string | undefined;
  /** Keys that have it after the prefix are rolled up into one common prefix, which ends with it. */
  readonly delimiter?: string | undefined;
  /** Only keys after this one or, with an upload id, after that upload of it. */
  readonly afterKey?: string | undefined;
  readonly afterUploadId?: string | undefined;
  /** 1 to 1,000, which it is unless given. */
  readonly limit?: number | undefined;
}

/** An open upload, or a common prefix of some. */
export type ListedMultipart =
  | { readonly kind: "upload"; readonly key: string; readonly upload: MultipartUpload }
  | { readonly kind: "prefix"; readonly key: string };

export interface MultipartListPage {
  /** In byte order of the keys, of one key the oldest first. */
  readonly items: readonly ListedMultipart[];
  /** Where the next page goes on; `undefined` after the last one. A page may have fewer items than the limit and not be the last. */
  readonly next: { readonly afterKey: string; readonly afterUploadId: string } | undefined;
}

/** A part and which of its contents is meant. */
export interface CompletedPart {
  readonly number: number;
  readonly contentId: number;
}

export interface CompleteMultipartOptions extends CallerOptions {
  readonly precondition?: EntryPrecondition | undefined;
  /** What is said of the whole object, instead of what the upload was created with. */
  readonly object?: Partial<ObjectAttributes> | undefined;
}

/** Objects that are uploaded in parts. An upload that is not there, or not any more, is `uploadNotFound`. */
export class Multiparts {
  readonly #calls: CoordinatorCalls;
  readonly #uploads: UploadParts;

  constructor(calls: CoordinatorCalls, uploads: UploadParts) {
    this.#calls = calls;
    this.#uploads = uploads;
  }

  /** Begins an upload; its id. */
  async create(bucket: string, key: string, options: CreateMultipartOptions = {}): Promise<string> {
    const { signal, object, owner = "", initiator = "" } = options;
    const request = {
      bucket,
      key,
      attributes: attributesToWire(options),
      ...(object !== undefined && { object: objectAttributesToWire(object) }),
      owner,
      initiator,
    };
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.multiparts.createMultipart(request, callOptions),
    );
    return toHex(reply.uploadId);
  }

  /** The upload, and what it was completed with, for a day after that. */
  async stat(
    bucket: string,
    key: string,
    uploadId: string,
    { signal }: CallerOptions = {},
  ): Promise<{ readonly upload: MultipartUpload; readonly completed: FileEntry | undefined }> {
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.multiparts.statMultipart({ bucket, key, uploadId: idOf(uploadId) }, callOptions),
    );
    return {
      upload: uploadFromWire(reply.upload, uploadId),
      completed: reply.completed && entryFromWire(reply.completed, `/${bucket}/${key}`),
    };
  }

  /**
   * Makes `source` a part, instead of the part of that number, if there is one. When this resolves it is durable on a write quorum; when
   * it rejects the upload is as it was.
   */
  async putPart(
    bucket: string,
    key: string,
    part: { readonly uploadId: string; readonly number: number },
    source: UploadSource,
    options: PutPartOptions = {},
  ): Promise<PutPart> {
    const terms = { uploadId: idOf(part.uploadId), partNumber: part.number };
    const { signal, sizeBytes, memoryPatienceMs } = options;
    const { entry } = await put(this.#uploads, `/${bucket}/${key}`, source, {
      signal,
      sizeBytes,
      memoryPatienceMs,
      // Of the whole object nobody would know it.
      checksum: false,
      object: partPut(bucket, options, terms),
    });
    return { sizeBytes: entry.sizeBytes, contentId: entry.contentId, object: entry.object };
  }

  /** Makes an object a part without moving its bytes; `conflictingState` where that cannot be: its bytes have to be sent. */
  async copyPart(
    bucket: string,
    key: string,
    part: { readonly uploadId: string; readonly number: number },
    source: PartSource,
    { signal, object = {} }: CopyPartOptions = {},
  ): Promise<ObjectPart> {
    const request = {
      bucket,
      key,
      uploadId: idOf(part.uploadId),
      partNumber: part.number,
      sourceBucket: source.bucket,
      sourceKey: source.key,
      sourceVersionId: source.versionId ?? "",
      sourceInodeId: BigInt(source.inodeId),
      object: objectAttributesToWire(object),
      ...(source.range !== undefined && {
        range: {
          offsetBytes: BigInt(source.range.offsetBytes),
          lengthBytes: BigInt(source.range.lengthBytes),
        },
      }),
    };
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.multiparts.copyPart(request, callOptions),
    );
    if (reply.part === undefined) throw without("a part");
    return partFromWire(reply.part);
  }

  /** Some parts of an upload. */
  async listPartsPage(
    bucket: string,
    key: string,
    uploadId: string,
    { signal, afterNumber = 0, limit = 0 }: PartsPageOptions = {},
  ): Promise<PartsPage & { readonly upload: MultipartUpload }> {
    const request = { bucket, key, uploadId: idOf(uploadId), afterNumber, limit };
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.multiparts.listParts(request, callOptions),
    );
    return {
      upload: uploadFromWire(reply.upload, uploadId),
      parts: reply.parts.map(partFromWire),
      hasMore: reply.isTruncated,
    };
  }

  /** Some open uploads of a bucket. */
  async listPage(bucket: string, options: ListMultipartsOptions = {}): Promise<MultipartListPage> {
    const {
      signal,
      prefix = "",
      delimiter = "",
      afterKey = "",
      afterUploadId,
      limit = 0,
    } = options;
    const after = afterUploadId === undefined ? new Uint8Array(0) : idOf(afterUploadId);
    const request = { bucket, prefix, delimiter, afterKey, afterUploadId: after, limit };
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.multiparts.listMultiparts(request, callOptions),
    );
    const { nextAfterKey, nextAfterUploadId } = reply;
    return {
      items: reply.items.map(({ key, upload }) =>
        upload === undefined
          ? { kind: "prefix", key }
          : { kind: "upload", key, upload: uploadFromWire(upload, "") },
      ),
      next:
        nextAfterKey === ""
          ? undefined
          : { afterKey: nextAfterKey, afterUploadId: toHex(nextAfterUploadId) },
    };
  }

  /**
   * Makes the object of these parts, in ascending order, at once; the others are let go. `preconditionFailed` when a part has another
   * content by now. Repeated within a day of its success it resolves with the same.
   */
  async complete(
    bucket: string,
    key: string,
    uploadId: string,
    parts: readonly CompletedPart[],
    { signal, precondition, object }: CompleteMultipartOptions = {},
  ): Promise<FileEntry> {
    const request = {
      bucket,
      key,
      uploadId: idOf(uploadId),
      parts: parts.map(({ number, contentId }) => ({ number, contentId: BigInt(contentId) })),
      ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
      ...(object !== undefined && { object: objectAttributesToWire(object) }),
    };
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.multiparts.completeMultipart(request, callOptions),
    );
    return entryFromWire(reply.entry, `/${bucket}/${key}`);
  }

  /** Lets an open upload go, with all its parts. */
  async abort(
    bucket: string,
    key: string,
    uploadId: string,
    { signal }: CallerOptions = {},
  ): Promise<void> {
    await this.#calls.change(signal, (client, callOptions) =>
      client.multiparts.abortMultipart({ bucket, key, uploadId: idOf(uploadId) }, callOptions),
    );
  }

  /** Some of the parts that an object was made of, or that were appended to it; none of other files. */
  async objectPartsPage(
    entry: Pick<FileEntry, "contentId">,
    { signal, afterNumber = 0, limit = 0 }: PartsPageOptions = {},
  ): Promise<PartsPage> {
    const request = { contentId: BigInt(entry.contentId), afterNumber, limit };
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.multiparts.getContentParts(request, callOptions),
    );
    return { parts: reply.parts.map(partFromWire), hasMore: reply.isTruncated };
  }
}

/** What is no id at all is as unknown as any other. */
function idOf(uploadId: string): Uint8Array {
  const id = fromHex(uploadId);
  if (id !== undefined) return id;
  throw new CairnError(
    "uploadNotFound",
    `${JSON.stringify(uploadId.slice(0, 64))} is no upload id`,
  );
}

function uploadFromWire(message: MultipartMessage | undefined, uploadId: string): MultipartUpload {
  if (message === undefined) throw without(`upload ${uploadId}`);
  const { bucket, key, owner, initiator, attributes, object } = message;
  return {
    uploadId: toHex(message.uploadId),
    bucket,
    key,
    createdMs: count(message.createdMs),
    contentType: attributes?.contentType,
    userMetadata: attributes?.userMetadata?.values,
    object: saidOf(object),
    owner,
    initiator,
  };
}

function partFromWire(message: PartMessage): ObjectPart {
  return {
    number: message.number,
    sizeBytes: count(message.sizeBytes),
    modifiedMs: count(message.modifiedMs),
    contentId: count(message.contentId),
    object: saidOf(message.object),
    offsetBytes: count(message.offsetBytes),
  };
}

function saidOf(message: ObjectAttributesMessage | undefined): ObjectAttributes {
  return objectAttributesFromWire(message ?? create(ObjectAttributesSchema));
}

function without(what: string): CairnError {
  return new CairnError("protocolViolation", `the coordinator answered without ${what}`);
}
