import type { KvReader } from "@cairnfs/kv/kv-store";
import type { Row, RowRange } from "@cairnfs/kv/table";
import { requireBucket } from "../buckets/read-bucket.ts";
import type { InodeId } from "../namespace/ids.ts";
import { multipartKeys } from "./multipart-tables.ts";
import { UPLOAD_ID_BYTES } from "./upload-id.ts";

export interface MultipartPage {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty: nothing is rolled up. */
  readonly delimiter: string;
  readonly afterKey: string;
  /** Empty: after all uploads of `afterKey`. */
  readonly afterUploadId: Uint8Array;
  readonly limit: number;
}

/** An upload, or a common prefix of some. */
export interface ListedUpload {
  readonly key: string;
  readonly uploadId: Uint8Array | undefined;
}

export interface ListedUploads {
  readonly items: readonly ListedUpload[];
  readonly hasMore: boolean;
}

type Key = readonly [InodeId, string, Uint8Array];

const FIRST_ID: Uint8Array = new Uint8Array(UPLOAD_ID_BYTES);
const LAST_ID: Uint8Array = new Uint8Array(UPLOAD_ID_BYTES).fill(0xff);
/** Sorts after all other characters. */
const LAST_CHARACTER = "\u{10ffff}";
const PAGE_ROWS = 100;

/** A page of the open uploads of a bucket, in the order of their keys, of one key in that in which they were created. */
export async function listMultiparts(
  reader: KvReader,
  page: MultipartPage,
): Promise<ListedUploads> {
  const bucketId = (await requireBucket(reader, page.bucket)).entry.inodeId;
  const items: ListedUpload[] = [];
  const limit = Math.min(PAGE_ROWS, page.limit + 1);
  let range = startOf(bucketId, page);
  for (;;) {
    const rows = await multipartKeys.page(reader, {
      within: [bucketId],
      ...range,
      limit,
    });
    const { isEnd, skipTo } = take(items, rows, page);
    const last = rows.at(-1);
    if (skipTo !== undefined) {
      range = { from: [bucketId, skipTo, FIRST_ID] };
    } else if (isEnd || last === undefined || rows.length < limit) {
      return { items: items.slice(0, page.limit), hasMore: items.length > page.limit };
    } else {
      range = { after: last.key };
    }
  }
}

function startOf(bucketId: InodeId, page: MultipartPage): RowRange<Key> {
  const { prefix, afterKey, afterUploadId } = page;
  const from = [bucketId, prefix, FIRST_ID] as const;
  if (afterKey === "") return { from };
  const isRolledUp = commonPrefixOf(afterKey, page) === afterKey;
  const key = isRolledUp ? afterKey + LAST_CHARACTER : afterKey;
  const uploadId = afterUploadId.byteLength === 0 ? LAST_ID : afterUploadId;
  return { from, after: [bucketId, key, isRolledUp ? FIRST_ID : uploadId] };
}

/**
 * Takes what of these rows belongs in the page, and one more, which says that there is more. They begin at the prefix, or after
 * it.
 */
function take(
  items: ListedUpload[],
  rows: readonly Row<Key, true>[],
  page: MultipartPage,
): { readonly isEnd: boolean; readonly skipTo: string | undefined } {
  for (const { key } of rows) {
    const [, name, uploadId] = key;
    if (!name.startsWith(page.prefix) || items.length > page.limit) {
      return { isEnd: true, skipTo: undefined };
    }
    const common = commonPrefixOf(name, page);
    if (common === undefined) {
      items.push({ key: name, uploadId });
    } else if ((items.at(-1)?.key ?? page.afterKey) !== common) {
      items.push({ key: common, uploadId: undefined });
      return { isEnd: false, skipTo: common + LAST_CHARACTER };
    }
  }
  return { isEnd: items.length > page.limit, skipTo: undefined };
}

/** What keys are rolled up to that have the delimiter after the prefix. */
function commonPrefixOf(
  key: string,
  { prefix, delimiter }: Pick<MultipartPage, "prefix" | "delimiter">,
): string | undefined {
  if (delimiter === "" || !key.startsWith(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}
