/**
 * An upload in parts, the value of `mpup`, and a part of it, the value of `mppt`:
 *
 *     mpup  | version 1 | bucket inode varint | key text | salt (8) | created varint | attributes | object attributes bytes
 *           | owner text | initiator text | state u8: 0 open, 1 completed, 2 aborted |
 *           completed: | due varint | answer bytes (CompleteMultipartResponse) |   aborted: | at varint |
 *     mppt  | version 1 | content varint | size varint | chunks varint | depth u8 | modified varint | object attributes bytes |
 *
 * Attributes are written as those of upload sessions are. docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import { type RecordReader, type RecordWriter, recordCodec } from "@cairnfs/kv/record";
import type { AttributeChanges } from "../namespace/attributes.ts";
import type { NewPart } from "../namespace/compose.ts";
import { contentId, type InodeId, inodeId } from "../namespace/ids.ts";
import { readAttributes, writeAttributes } from "../uploads/upload-session.ts";
import { UPLOAD_SALT_BYTES } from "./upload-id.ts";

export type MultipartState =
  | { readonly kind: "open" }
  /** What the object was made of is kept until `dueMs`, so that it can be completed again. */
  | { readonly kind: "completed"; readonly dueMs: number; readonly answer: Uint8Array }
  /** Its parts are let go, under a tombstone that is due since then; the record goes with the last of them. */
  | { readonly kind: "aborted"; readonly atMs: number };

export const OPEN: MultipartState = { kind: "open" };

/** An object that is, or was, uploaded in parts. */
export interface MultipartRecord {
  readonly bucketId: InodeId;
  readonly key: string;
  /** The random part of its id. */
  readonly salt: Uint8Array;
  readonly createdMs: number;
  readonly attributes: AttributeChanges;
  /** What is said of the object that it becomes: an encoded `ObjectAttributes`. */
  readonly object: Uint8Array;
  readonly owner: string;
  readonly initiator: string;
  readonly state: MultipartState;
}

/** A part that is there; it owns its content. */
export interface UploadedPart extends NewPart {
  readonly modifiedMs: number;
}

export const multipartCodec = recordCodec<MultipartRecord>("multipart upload", {
  version: 1,
  write: (to, upload) => {
    to.varint(upload.bucketId);
    to.text(upload.key);
    to.fixed(upload.salt);
    to.varint(upload.createdMs);
    writeAttributes(to, upload.attributes);
    to.bytes(upload.object);
    to.text(upload.owner);
    to.text(upload.initiator);
    writeState(to, upload.state);
  },
  read: (from) => ({
    bucketId: inodeId(from.varint()),
    key: from.text(),
    salt: from.fixed(UPLOAD_SALT_BYTES),
    createdMs: from.varint(),
    attributes: readAttributes(from),
    object: from.bytes(),
    owner: from.text(),
    initiator: from.text(),
    state: readState(from),
  }),
});

const STATES: readonly MultipartState["kind"][] = ["open", "completed", "aborted"];

function writeState(to: RecordWriter, state: MultipartState): void {
  to.u8(STATES.indexOf(state.kind));
  if (state.kind === "completed") {
    to.varint(state.dueMs);
    to.bytes(state.answer);
  } else if (state.kind === "aborted") {
    to.varint(state.atMs);
  }
}

function readState(from: RecordReader): MultipartState {
  const number = from.u8();
  const kind = STATES[number];
  if (kind === "open") return OPEN;
  if (kind === "completed") return { kind, dueMs: from.varint(), answer: from.bytes() };
  if (kind === "aborted") return { kind, atMs: from.varint() };
  throw new CairnError("internal", `a multipart upload has the unknown state ${number}`);
}

export const uploadedPartCodec = recordCodec<UploadedPart>("uploaded part", {
  version: 1,
  write: (to, part) => {
    to.varint(part.contentId);
    to.varint(part.sizeBytes);
    to.varint(part.chunkCount);
    to.u8(part.depth);
    to.varint(part.modifiedMs);
    to.bytes(part.object);
  },
  read: (from) => ({
    contentId: contentId(from.varint()),
    sizeBytes: from.varint(),
    chunkCount: from.varint(),
    depth: from.u8(),
    modifiedMs: from.varint(),
    object: from.bytes(),
  }),
});
