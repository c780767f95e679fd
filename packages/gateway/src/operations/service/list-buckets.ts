import type { BucketInfo, BucketListPage } from "@cairnfs/client";
import { invalidArgument } from "../../s3/errors.ts";
import type { GatewayParts, Operation, S3Reply, S3Request } from "../../s3/operation.ts";
import { ownerId } from "../../s3/owner.ts";
import { element, textElement, xmlDocument, xmlTime } from "../../xml/write.ts";

const BUCKETS_MAX = 10_000;
const PAGE = 1000;

/** The caller's buckets; the root user sees those of everybody. */
export const listBuckets: Operation = {
  name: "ListBuckets",
  method: "GET",
  level: "service",
  action: "ListAllMyBuckets",
  run: runListBuckets,
};

async function runListBuckets(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const { query } = request;
  const limit = bucketLimit(query.get("max-buckets"));
  const shown: BucketInfo[] = [];
  let isTruncated = false;
  for await (const bucket of bucketsFor(request, parts)) {
    isTruncated = shown.length === limit;
    if (isTruncated) break;
    shown.push(bucket);
  }
  const last = shown.at(-1)?.name ?? "";
  const body = xmlDocument(
    "ListAllMyBucketsResult",
    ownerElement(request),
    element("Buckets", ...shown.map(bucketElement)),
    isTruncated ? textElement("ContinuationToken", Buffer.from(last).toString("base64url")) : "",
    textElement("Prefix", query.get("prefix")),
  );
  return { status: 200, body };
}

/** The buckets that the caller gets to see and has asked for, in the order of their names. */
async function* bucketsFor(
  { caller, query, signal }: S3Request,
  { client }: GatewayParts,
): AsyncGenerator<BucketInfo, void, undefined> {
  const prefix = query.get("prefix") ?? "";
  const region = query.get("bucket-region");
  const isRoot = caller.kind === "user" && caller.isRoot;
  const owner = ownerId(caller);
  let after: string | undefined = tokenValue(query.get("continuation-token"));
  while (after !== undefined) {
    const page: BucketListPage = await client.buckets.listPage({
      after,
      prefix,
      limit: PAGE,
      signal,
    });
    for (const bucket of page.buckets) {
      const isMine = isRoot || bucket.owner === owner;
      if (isMine && (region === undefined || region === bucket.region)) yield bucket;
    }
    after = page.nextAfter;
  }
}

function bucketElement(bucket: BucketInfo): string {
  return element(
    "Bucket",
    textElement("Name", bucket.name),
    textElement("CreationDate", xmlTime(bucket.createdMs)),
    textElement("BucketRegion", bucket.region === "" ? undefined : bucket.region),
  );
}

function ownerElement({ caller }: S3Request): string {
  if (caller.kind !== "user") return "";
  return element("Owner", textElement("ID", caller.id), textElement("DisplayName", caller.name));
}

function bucketLimit(given: string | undefined): number {
  if (given === undefined) return BUCKETS_MAX;
  const limit = Number(given);
  if (!/^\d+$/u.test(given) || limit < 1 || limit > BUCKETS_MAX) {
    throw invalidArgument(
      "max-buckets",
      given,
      `Argument max-buckets must be an integer between 1 and ${BUCKETS_MAX}`,
    );
  }
  return limit;
}

function tokenValue(token: string | undefined): string {
  if (token === undefined) return "";
  if (!/^[A-Za-z0-9_-]+$/u.test(token)) {
    throw invalidArgument(
      "continuation-token",
      token,
      "The continuation token provided is incorrect",
    );
  }
  return Buffer.from(token, "base64url").toString();
}
