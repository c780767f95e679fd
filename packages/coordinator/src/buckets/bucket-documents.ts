import { CairnError } from "@cairnfs/base/errors";
import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { bucketDocuments } from "../keyspace.ts";
import type { InodeId } from "../namespace/ids.ts";

export const DOCUMENT_BYTES_MAX = 64 * 1024;
export const DOCUMENTS_BYTES_MAX = 256 * 1024;
export const DOCUMENTS_MAX = 64;
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/u;

/** A document of a bucket: its name and what it says. */
export type NamedDocument = readonly [string, Uint8Array];

export interface DocumentChanges {
  readonly put: readonly NamedDocument[];
  readonly removed: readonly string[];
}

/** The documents of a bucket, in the order of their names. */
export async function readDocuments(reader: KvReader, id: InodeId): Promise<NamedDocument[]> {
  const rows = await bucketDocuments.page(reader, { within: [id], limit: DOCUMENTS_MAX });
  return rows.map(({ key, value }) => [key[1], value]);
}

/** Sets documents and removes others; `invalidArgument` when they are too many or too large, or one is named as none can be. */
export async function changeDocuments(
  tx: KvTransaction,
  id: InodeId,
  { put, removed }: DocumentChanges,
): Promise<void> {
  if (put.length === 0 && removed.length === 0) return;
  const documents = new Map(await readDocuments(tx, id));
  for (const name of removed) {
    documents.delete(name);
    bucketDocuments.delete(tx, [id, name]);
  }
  for (const [name, value] of put) {
    checkDocument(name, value);
    documents.set(name, value);
    bucketDocuments.put(tx, [id, name], value);
  }
  let sizeBytes = 0;
  for (const value of documents.values()) sizeBytes += value.byteLength;
  if (sizeBytes > DOCUMENTS_BYTES_MAX || documents.size > DOCUMENTS_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the bucket would have ${documents.size} documents of ${sizeBytes} bytes, expected at most ${DOCUMENTS_MAX} of ${DOCUMENTS_BYTES_MAX}`,
      { details: { sizeBytes, sizeBytesMax: DOCUMENTS_BYTES_MAX } },
    );
  }
}

function checkDocument(name: string, value: Uint8Array): void {
  if (!NAME.test(name)) {
    throw new CairnError(
      "invalidArgument",
      `${JSON.stringify(name)} is no name of a document: up to 64 letters, digits and "-", beginning with a letter`,
    );
  }
  if (value.byteLength > DOCUMENT_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the document ${name} has ${value.byteLength} bytes, expected at most ${DOCUMENT_BYTES_MAX}`,
      { details: { sizeBytes: value.byteLength, sizeBytesMax: DOCUMENT_BYTES_MAX } },
    );
  }
}
