/**
 * An upload session, the value of `sess`:
 *
 *     | version 1 | content varint | domain varint | reserves domain u8 | path text | expires varint | chunk size varint | copies u8
 *     | parents u8 | optional size varint | attributes | precondition | optional answer bytes |
 *     attributes:    | optional mode varint | optional modified varint | optional content type text | optional user metadata textMap |
 *     precondition:  | kind u8: 0 none, 1 must not exist, 2 version, 3 inode | value varint |
 *
 * A session with an answer is committed; the answer is the CommitUploadResponse. docs/formats/keyspace.md is the register.
 */

import { CairnError } from "@cairnfs/base/errors";
import { type RecordReader, type RecordWriter, recordCodec } from "@cairnfs/kv/record";
import type { AttributeChanges } from "../namespace/attributes.ts";
import { type ContentId, contentId, type DomainId, domainId } from "../namespace/ids.ts";
import type { Precondition } from "../namespace/precondition.ts";

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
  version: 1,
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
  },
  read: (from) => ({
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
  }),
});

function writeAttributes(to: RecordWriter, attributes: AttributeChanges): void {
  to.optional(attributes.mode, (into, mode) => into.varint(mode));
  to.optional(attributes.modifiedMs, (into, modifiedMs) => into.varint(modifiedMs));
  to.optional(attributes.contentType, (into, contentType) => into.text(contentType));
  to.optional(attributes.userMetadata, (into, metadata) => into.textMap(metadata));
}

function readAttributes(from: RecordReader): AttributeChanges {
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
