import { hasReason } from "@cairnfs/base/errors";
import type { SetBucketOptions } from "@cairnfs/client";
import { type DocumentName, keptDocument } from "../../documents/stored.ts";
import { noSuchBucket } from "../../s3/bucket-cache.ts";
import { S3Error, type S3ErrorCode } from "../../s3/errors.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { xmlDocument } from "../../xml/write.ts";

/** Changes what is kept of the bucket of a request. */
export async function setBucket(
  request: S3Request,
  parts: GatewayParts,
  change: SetBucketOptions,
): Promise<void> {
  try {
    await parts.client.buckets.set(request.bucket, { ...change, signal: request.signal });
  } catch (error) {
    throw hasReason(error, "pathNotFound") ? noSuchBucket(request.bucket, error) : error;
  } finally {
    parts.buckets.forget(request.bucket);
  }
}

/** Keeps a document with the bucket of a request. */
export function setDocument(
  request: S3Request,
  parts: GatewayParts,
  name: DocumentName,
  content: string | Uint8Array,
): Promise<void> {
  const value = typeof content === "string" ? Buffer.from(content) : content;
  return setBucket(request, parts, { documents: new Map([[name, value]]) });
}

/** How a kind of document is read, kept and given back. */
export interface DocumentKind {
  readonly name: DocumentName;
  readonly rootName: string;
  readonly query: string;
  /** The names of the operations, which are AWS's; what is absent S3 does not have. */
  readonly operations: { readonly get: string; readonly put: string; readonly remove?: string };
  /** The IAM actions. */
  readonly actions: { readonly get: string; readonly put: string };
  /** What a bucket without one answers: an error, or the content of a document. */
  readonly absent: { readonly code: S3ErrorCode } | { readonly content: string };
  /** The status of a put that was done. */
  readonly putStatus?: number;
  /** What of a document is kept, once it was checked; `undefined` takes away what is kept. */
  read(document: string, request: S3Request, parts: GatewayParts): MaybeContent;
}

type MaybeContent = string | undefined | Promise<string | undefined>;

/** The operations on a kind of document that means nothing else than what it says. */
export function documentOperations(kind: DocumentKind): readonly Operation[] {
  const base = { level: "bucket", query: kind.query } as const;
  const operations: Operation[] = [
    {
      ...base,
      name: kind.operations.get,
      method: "GET",
      action: kind.actions.get,
      run: (request, parts) => getDocument(kind, request, parts),
    },
    {
      ...base,
      name: kind.operations.put,
      method: "PUT",
      action: kind.actions.put,
      run: (request, parts) => putDocument(kind, request, parts),
    },
  ];
  if (kind.operations.remove !== undefined) {
    operations.push({
      ...base,
      name: kind.operations.remove,
      method: "DELETE",
      action: kind.actions.put,
      run: (request, parts) => removeDocument(kind, request, parts),
    });
  }
  return operations;
}

async function getDocument(
  kind: DocumentKind,
  request: S3Request,
  parts: GatewayParts,
): Promise<S3Reply> {
  const bucket = await parts.buckets.get(request.bucket);
  const content = keptDocument(bucket, kind.name);
  if (content !== undefined) return { status: 200, body: xmlDocument(kind.rootName, content) };
  if ("content" in kind.absent) {
    return { status: 200, body: xmlDocument(kind.rootName, kind.absent.content) };
  }
  throw new S3Error(kind.absent.code, { details: { BucketName: request.bucket } });
}

async function putDocument(
  kind: DocumentKind,
  request: S3Request,
  parts: GatewayParts,
): Promise<S3Reply> {
  const content = await kind.read(await readText(request), request, parts);
  if (content === undefined) await removeDocument(kind, request, parts);
  else await setDocument(request, parts, kind.name, content);
  return { status: kind.putStatus ?? 200 };
}

async function removeDocument(
  kind: DocumentKind,
  request: S3Request,
  parts: GatewayParts,
): Promise<S3Reply> {
  await setBucket(request, parts, { removedDocuments: [kind.name] });
  return { status: 204 };
}
