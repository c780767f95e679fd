import { CairnError } from "@cairnfs/base/errors";
import type { ObjectTerms } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { UPLOAD_ID_BYTES } from "../multipart/upload-id.ts";
import { type Path, parseObjectPath, parsePath } from "../namespace/path.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { FILE_TARGET, type UploadTarget } from "../uploads/upload-session.ts";
import { encodeObjectAttributes } from "./object-attributes.ts";

const PART_NUMBER_MAX = 10_000;

/** What a file becomes that is put with these terms. */
export function parseObjectTerms(terms: ObjectTerms | undefined): UploadTarget {
  if (terms === undefined) return FILE_TARGET;
  const { attributes, uploadId, partNumber, appendAt } = terms;
  const object = attributes && encodeObjectAttributes(attributes);
  if (uploadId.byteLength === 0) {
    const at = appendAt === undefined ? undefined : wholeNumber(appendAt, "append_at");
    return { kind: "object", object, appendAt: at };
  }
  if (uploadId.byteLength !== UPLOAD_ID_BYTES) {
    throw new CairnError(
      "invalidArgument",
      `upload_id has ${uploadId.byteLength} bytes, expected ${UPLOAD_ID_BYTES}`,
    );
  }
  return { kind: "part", uploadId, partNumber: checkPartNumber(partNumber), object };
}

/** The number of a part from the wire, 1 to 10,000; any other is refused as `invalidArgument`. */
export function checkPartNumber(partNumber: number): number {
  if (partNumber >= 1 && partNumber <= PART_NUMBER_MAX) return partNumber;
  throw new CairnError(
    "invalidArgument",
    `part_number is ${partNumber}, expected 1 to ${PART_NUMBER_MAX}`,
  );
}

/** The path of what is put to become `target`: an object's is its bucket and key. */
export function parseTargetPath(text: string, target: UploadTarget): Path {
  return target.kind === "file" ? parsePath(text) : parseObjectPath(text);
}
