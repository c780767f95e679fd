import { invalidArgument } from "../../s3/errors.ts";
import type { S3Request } from "../../s3/operation.ts";
import { textElement } from "../../xml/write.ts";

/** The most keys, versions, uploads or parts in one reply. */
export const PAGE_MAX = 1_000;
const INTEGER_MAX = 2_147_483_647;

/** What every listing of a bucket may ask for. */
export interface ListingQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** 0 to 1,000. */
  readonly limit: number;
  /** Keys are shown percent-encoded. */
  readonly isEncoded: boolean;
}

/** Reads the parameters that all listings share; `limitName` is the one that limits the page. */
export function listingQuery({ query }: S3Request, limitName: string): ListingQuery {
  const encoding = query.get("encoding-type");
  if (encoding !== undefined && encoding !== "url") {
    throw invalidArgument(
      "encoding-type",
      encoding,
      "Invalid Encoding Method specified in Request",
    );
  }
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    limit: pageLimit(query.get(limitName), limitName),
    isEncoded: encoding === "url",
  };
}

/** A limit of a page, 1,000 at most and unless given. */
export function pageLimit(text: string | undefined, name: string): number {
  if (text === undefined || text === "") return PAGE_MAX;
  const limit = Number(text);
  if (!/^[+-]?\d{1,15}$/.test(text) || Math.abs(limit) > INTEGER_MAX) {
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  }
  if (limit < 0) {
    throw invalidArgument(
      name,
      text,
      `Argument ${name} must be an integer between 0 and ${INTEGER_MAX}`,
    );
  }
  return Math.min(limit, PAGE_MAX);
}

/** How keys stand in a listing: as they are, or percent-encoded but for "/". */
export function keyWriter({ isEncoded }: ListingQuery): (key: string) => string {
  return isEncoded ? encodeKey : (key) => key;
}

function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The elements that say what delimiter and encoding were asked for. */
export function delimiterXml(asked: ListingQuery): string {
  const shown = keyWriter(asked);
  return (
    textElement("Delimiter", asked.delimiter === "" ? undefined : shown(asked.delimiter)) +
    textElement("EncodingType", asked.isEncoded ? "url" : undefined)
  );
}

/** The elements of common prefixes. */
export function commonPrefixesXml(prefixes: readonly string[], asked: ListingQuery): string {
  const shown = keyWriter(asked);
  return prefixes
    .map((prefix) => `<CommonPrefixes>${textElement("Prefix", shown(prefix))}</CommonPrefixes>`)
    .join("");
}
