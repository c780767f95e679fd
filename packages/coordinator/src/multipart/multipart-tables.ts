/** The tables of uploads of objects in parts. docs/formats/keyspace.md draws the records. */

import { fixed, textWithoutNul, tuple, u32, u64 } from "@cairnfs/kv/ordered-key";
import { Table } from "@cairnfs/kv/table";
import { presence } from "../keyspace.ts";
import { type InodeId, inodeIdKey } from "../namespace/ids.ts";
import {
  type MultipartRecord,
  multipartCodec,
  type UploadedPart,
  uploadedPartCodec,
} from "./multipart-record.ts";
import { UPLOAD_ID_BYTES } from "./upload-id.ts";

/** By the number in the upload's id. */
export const multiparts = new Table<number, MultipartRecord>({
  prefix: "mpup",
  key: u64,
  value: multipartCodec,
});

/** Those that are open, by the bucket's inode, the object's key and the upload's id, which grows with the time. */
export const multipartKeys = new Table<readonly [InodeId, string, Uint8Array], true>({
  prefix: "mpky",
  key: tuple(inodeIdKey, textWithoutNul, fixed(UPLOAD_ID_BYTES)),
  value: presence,
});

/** By the number of the upload and of the part. */
export const multipartParts = new Table<readonly [number, number], UploadedPart>({
  prefix: "mppt",
  key: tuple(u64, u32),
  value: uploadedPartCodec,
});

/** Those that were completed, by the time when that is forgotten. */
export const multipartExpiries = new Table<readonly [number, number], true>({
  prefix: "mpex",
  key: tuple(u64, u64),
  value: presence,
});
