import { S3Error } from "../s3/errors.ts";

/** Which bucket and key a request is about. */
export interface Address {
  readonly bucket: string;
  readonly key: string;
  readonly isVirtualHosted: boolean;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads the bucket from the host name, when it is one of `domains` with a label before, else from the path. */
export function addressOf(rawPath: string, host: string, domains: readonly string[]): Address {
  const bucket = bucketOfHost(host, domains);
  if (bucket !== undefined) {
    return { bucket, key: decodeUri(rawPath.slice(1)), isVirtualHosted: true };
  }
  const slash = rawPath.indexOf("/", 1);
  const end = slash < 0 ? rawPath.length : slash;
  return {
    bucket: decodeUri(rawPath.slice(1, end)),
    key: slash < 0 ? "" : decodeUri(rawPath.slice(slash + 1)),
    isVirtualHosted: false,
  };
}

function bucketOfHost(host: string, domains: readonly string[]): string | undefined {
  if (domains.length === 0) return undefined;
  const name = host.replace(/:\d+$/u, "").toLowerCase();
  // One of the domains may be below another: the longest that fits is meant.
  let bucket: string | undefined;
  for (const domain of domains) {
    const suffix = `.${domain.toLowerCase()}`;
    if (`.${name}` === suffix) return undefined;
    if (!name.endsWith(suffix) || name.length === suffix.length) continue;
    const label = name.slice(0, -suffix.length);
    if (bucket === undefined || label.length < bucket.length) bucket = label;
  }
  return bucket;
}

/** The text that a percent-encoded one stands for; `InvalidURI` when that is no UTF-8. */
export function decodeUri(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    // A "%" that begins no escape stands for itself.
    const bytes = Buffer.from(
      text.replace(/%([0-9a-f]{2})/giu, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      ),
      "latin1",
    );
    try {
      return utf8.decode(bytes);
    } catch {
      throw new S3Error("InvalidURI", { cause });
    }
  }
}

/** The parameters of a query, decoded, "+" as a space; of what is given twice, the first. */
export function parseQuery(rawQuery: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  if (rawQuery === "") return query;
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decodeParameter(equals < 0 ? pair : pair.slice(0, equals));
    if (!query.has(name))
      query.set(name, equals < 0 ? "" : decodeParameter(pair.slice(equals + 1)));
  }
  return query;
}

function decodeParameter(text: string): string {
  return decodeUri(text.includes("+") ? text.replaceAll("+", " ") : text);
}
