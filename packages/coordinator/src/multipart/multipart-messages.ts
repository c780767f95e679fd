import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AttributesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { MultipartSchema, PartSchema } from "@cairnfs/protocol/gen/cairn/v1/multipart_pb";
import type { AttributeChanges } from "../namespace/attributes.ts";
import type { PlacedPart } from "../namespace/content-parts.ts";
import { decodeObjectAttributes } from "../objects/object-attributes.ts";
import type { MultipartName } from "./find-multipart.ts";
import type { MultipartRecord, UploadedPart } from "./multipart-record.ts";

/** An open upload as clients see it. */
export function multipartMessage(
  { bucket, key, uploadId }: MultipartName,
  record: MultipartRecord,
): MessageInitShape<typeof MultipartSchema> {
  return {
    uploadId,
    bucket,
    key,
    createdMs: BigInt(record.createdMs),
    attributes: attributesMessage(record.attributes),
    object: decodeObjectAttributes(record.object),
    owner: record.owner,
    initiator: record.initiator,
  };
}

function attributesMessage({
  mode,
  modifiedMs,
  contentType,
  userMetadata,
}: AttributeChanges): MessageInitShape<typeof AttributesSchema> {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(modifiedMs === undefined ? {} : { modifiedMs: BigInt(modifiedMs) }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userMetadata && { userMetadata: { values: Object.fromEntries(userMetadata) } }),
  };
}

/** A part of an upload. */
export function partMessage(
  number: number,
  part: UploadedPart,
): MessageInitShape<typeof PartSchema> {
  return {
    number,
    sizeBytes: BigInt(part.sizeBytes),
    modifiedMs: BigInt(part.modifiedMs),
    contentId: BigInt(part.contentId),
    object: decodeObjectAttributes(part.object),
  };
}

/** A part of an object. */
export function placedPartMessage(part: PlacedPart): MessageInitShape<typeof PartSchema> {
  return {
    number: part.number,
    sizeBytes: BigInt(part.sizeBytes),
    contentId: BigInt(part.contentId),
    object: decodeObjectAttributes(part.object),
    offsetBytes: BigInt(part.offsetBytes),
  };
}
