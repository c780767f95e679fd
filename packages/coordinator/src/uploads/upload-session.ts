/**
 * An upload session, the value of `sess`:
 *
 *     | version 2 | content varint | domain varint | reserves domain u8 | path text | expires varint | chunk size varint | copies u8
 *     | parents u8 | optional size varint | attributes | precondition | optional answer bytes | target |
 *     attributes:    | optional mode varint | optional modified varint | optional content type text | optional user metadata textMap |
 *     precondition:  | kind u8: 0 none, 1 must not exist, 2 version, 3 inode | value varint |
 *     target:        | kind u8: 0 file, 1 object, 2 part |
 *                    kind 1: | optional object bytes (ObjectAttributes) | optional append at varint |
 *                    kind 2: | upload id (16) | part number varint | optional object bytes (ObjectAttributes) |
 *
 * Version 1 has no target: it is a file. A session with an answer is committed; the answer is the CommitUploadResponse. docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import { type RecordReader, type RecordWriter, recordCodec } from "@cairnfs/kv/record";
import { UPLOAD_ID_BYTES } from "../multipart/upload-id.ts";
import type { AttributeChanges } from "../namespace/attributes.ts";
import { type ContentId, contentId, type DomainId, domainId } from "../namespace/ids.ts";
import type { Precondition } from "../namespace/precondition.ts";

/** What an upload becomes when it commits. */
export type UploadTarget =
  | { readonly kind: "file" }
  /** The file of a key. Its encoded attributes may be given by the commit instead. */
  | {
      readonly kind: "object";
      readonly object: Uint8Array | undefined;
      /** It is added to the object that is there, which must have this size. */
      readonly appendAt: number | undefined;
    }
  /** A part of an object, of an upload in parts. */
  | {
      readonly kind: "part";
      readonly uploadId: Uint8Array;
      readonly partNumber: number;
      readonly object: Uint8Array | undefined;
    };

export const FILE_TARGET: UploadTarget = { kind: "file" };

export interface UploadSession {
  readonly contentId: ContentId;
  readonly domainId: DomainId;
  /** The domain is an id that the top-level directory gets if the commit makes it. */
  readonly reservesDomain: boolean;
  readonly path: string;
  readonly expiresMs: number;
  readonly chunkSizeBytes: number;
  readonly replicationFactor: number;
  readonly parents: boolean;
  readonly sizeBytes: number | undefined;
  readonly attributes: AttributeChanges;
  readonly precondition: Precondition;
  readonly target: UploadTarget;
  /** What the commit was answered, when there was one. */
  readonly answer: Uint8Array | undefined;
}

const PRECONDITION_KINDS: readonly Precondition["kind"][] = [
  "none",
  "mustNotExist",
  "version",
  "inode",
];

export const uploadSessionCodec = recordCodec<UploadSession>("upload session", {
  version: 2,
  write: (to, session) => {
    to.varint(session.contentId);
    to.varint(session.domainId);
    to.bool(session.reservesDomain);
    to.text(session.path);
    to.varint(session.expiresMs);
    to.varint(session.chunkSizeBytes);
    to.u8(session.replicationFactor);
    to.bool(session.parents);
    to.optional(session.sizeBytes, (into, size) => into.varint(size));
    writeAttributes(to, session.attributes);
    to.u8(PRECONDITION_KINDS.indexOf(session.precondition.kind));
    to.varint("value" in session.precondition ? session.precondition.value : 0);
    to.optional(session.answer, (into, answer) => into.bytes(answer));
    writeTarget(to, session.target);
  },
  read: (from) => ({ ...readVersion1(from), target: readTarget(from) }),
  earlier: { 1: (from) => ({ ...readVersion1(from), target: FILE_TARGET }) },
});

function readVersion1(from: RecordReader): Omit<UploadSession, "target"> {
  return {
    contentId: contentId(from.varint()),
    domainId: domainId(from.varint()),
    reservesDomain: from.bool(),
    path: from.text(),
    expiresMs: from.varint(),
    chunkSizeBytes: from.varint(),
    replicationFactor: from.u8(),
    parents: from.bool(),
    sizeBytes: from.optional((of) => of.varint()),
    attributes: readAttributes(from),
    precondition: preconditionOf(from.u8(), from.varint()),
    answer: from.optional((of) => of.bytes()),
  };
}

const TARGET_KINDS: readonly UploadTarget["kind"][] = ["file", "object", "part"];

function writeTarget(to: RecordWriter, target: UploadTarget): void {
  to.u8(TARGET_KINDS.indexOf(target.kind));
  if (target.kind === "part") {
    to.fixed(target.uploadId);
    to.varint(target.partNumber);
  }
  if (target.kind !== "file") to.optional(target.object, (into, object) => into.bytes(object));
  if (target.kind === "object") to.optional(target.appendAt, (into, at) => into.varint(at));
}

function readTarget(from: RecordReader): UploadTarget {
  const number = from.u8();
  const kind = TARGET_KINDS[number];
  switch (kind) {
    case "file":
      return FILE_TARGET;
    case "object":
      return {
        kind,
        object: from.optional((of) => of.bytes()),
        appendAt: from.optional((of) => of.varint()),
      };
    case "part":
      return {
        kind,
        uploadId: from.fixed(UPLOAD_ID_BYTES),
        partNumber: from.varint(),
        object: from.optional((of) => of.bytes()),
      };
    default:
      throw new CairnError("internal", `a session has the unknown target ${number}`);
  }
}

export function writeAttributes(to: RecordWriter, attributes: AttributeChanges): void {
  to.optional(attributes.mode, (into, mode) => into.varint(mode));
  to.optional(attributes.modifiedMs, (into, modifiedMs) => into.varint(modifiedMs));
  to.optional(attributes.contentType, (into, contentType) => into.text(contentType));
  to.optional(attributes.userMetadata, (into, metadata) => into.textMap(metadata));
}

export function readAttributes(from: RecordReader): AttributeChanges {
  return {
    mode: from.optional((of) => of.varint()),
    modifiedMs: from.optional((of) => of.varint()),
    contentType: from.optional((of) => of.text()),
    userMetadata: from.optional((of) => of.textMap()),
  };
}

function preconditionOf(number: number, value: number): Precondition {
  const kind = PRECONDITION_KINDS[number];
  if (kind === undefined)
    throw new CairnError("internal", `a session has the unknown precondition ${number}`);
  return kind === "version" || kind === "inode" ? { kind, value } : { kind };
}
