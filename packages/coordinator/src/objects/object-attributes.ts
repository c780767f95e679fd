import { create } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import {
  type ObjectAttributes,
  ObjectAttributesSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { decoderOf, encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";
import { NO_BYTES } from "../namespace/content.ts";

/** The most that can be said of an object beside its content type and user metadata. */
export const OBJECT_ATTRIBUTES_BYTES_MAX = 64 * 1024;
export const TAGS_MAX = 10;
const RETENTION_MODE_MAX = 2;
const MD5_BYTES = 16;

const decode = decoderOf(ObjectAttributesSchema, "internal");

/** What is said of an object as it is kept: encoded. What is over a limit is refused as `invalidArgument`. */
export function encodeObjectAttributes(message: ObjectAttributes): Uint8Array {
  const { md5, tags, retentionMode, retainUntilMs } = message;
  if (md5.byteLength !== 0 && md5.byteLength !== MD5_BYTES) {
    throw new CairnError("invalidArgument", `md5 has ${md5.byteLength} bytes, expected 16 or none`);
  }
  const tagCount = Object.keys(tags).length;
  if (tagCount > TAGS_MAX) {
    throw new CairnError("invalidArgument", `an object has ${tagCount} tags, at most ${TAGS_MAX}`);
  }
  const isRetention = retentionMode <= RETENTION_MODE_MAX;
  if (!isRetention || (retentionMode === 0) !== (retainUntilMs === 0n)) {
    throw new CairnError(
      "invalidArgument",
      `retention_mode is ${retentionMode} until ${retainUntilMs}, expected 0 and 0, or 1 or 2 and a time`,
    );
  }
  const bytes = encodeKept(message);
  if (bytes.byteLength <= OBJECT_ATTRIBUTES_BYTES_MAX) return bytes;
  throw new CairnError(
    "invalidArgument",
    `an object's attributes have ${bytes.byteLength} bytes, expected at most ${OBJECT_ATTRIBUTES_BYTES_MAX}`,
    { details: { sizeBytes: bytes.byteLength, sizeBytesMax: OBJECT_ATTRIBUTES_BYTES_MAX } },
  );
}

/** What `encodeObjectAttributes` made; of a file that was never put as an object, nothing at all. */
export function decodeObjectAttributes(bytes: Uint8Array | undefined): ObjectAttributes {
  if (bytes === undefined) return create(ObjectAttributesSchema);
  return decode(bytes);
}

/** What is said of a copy: what belongs to the content, not what says who may do what with the source. */
export function copiedAttributes(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes === undefined) return undefined;
  const message = decodeObjectAttributes(bytes);
  message.acl = NO_BYTES;
  message.owner = "";
  message.retentionMode = 0;
  message.retainUntilMs = 0n;
  message.hasLegalHold = false;
  return encodeKept(message);
}

/** Encodes what was kept and is within the limits. */
export function encodeKept(message: ObjectAttributes): Uint8Array {
  return joinParts(encodeMessage(ObjectAttributesSchema, message));
}
