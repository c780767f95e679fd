import type { RawRequest } from "../s3/operation.ts";

/** All that a path may have unencoded, and "/". */
const PLAIN_PATH = /^[A-Za-z0-9\-._~/]*$/u;
const PATH_OTHERS = /%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~/]/gu;
const QUERY_OTHERS = /%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~]/gu;
const UNRESERVED = /^[A-Za-z0-9\-._~]$/u;
const PLAIN_QUERY = /^[A-Za-z0-9\-._~]*$/u;

/**
 * A path as it is signed: each byte that is not a letter, a digit, "-", ".", "_", "~" or "/" as %XX, once. What a client
 * sent encoded stays so, also "%2F"; nothing is normalised, as "a//b" and "a/../b" are keys.
 */
export function canonicalPath(rawPath: string): string {
  return PLAIN_PATH.test(rawPath) ? rawPath : rawPath.replaceAll(PATH_OTHERS, encodedOnce);
}

/** A query as it is signed: encoded once, sorted by name and value, without the parameter `left`. */
export function canonicalQuery(rawQuery: string, left?: string): string {
  if (rawQuery === "") return "";
  const pairs: (readonly [name: string, value: string])[] = [];
  for (const part of rawQuery.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = canonicalPart(at === -1 ? part : part.slice(0, at));
    if (name !== left) pairs.push([name, at === -1 ? "" : canonicalPart(part.slice(at + 1))]);
  }
  if (pairs.length > 1) pairs.sort(byNameAndValue);
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** "+" stands for a space, as everywhere in queries. */
function canonicalPart(raw: string): string {
  if (PLAIN_QUERY.test(raw)) return raw;
  return raw.replaceAll("+", "%20").replaceAll(QUERY_OTHERS, encodedOnce);
}

function encodedOnce(found: string, digits: string | undefined): string {
  if (digits === undefined) return percent(found.charCodeAt(0));
  const code = Number.parseInt(digits, 16);
  const char = String.fromCharCode(code);
  return UNRESERVED.test(char) ? char : percent(code);
}

/** Request lines are Latin-1 text: a character is a byte. */
function percent(byte: number): string {
  return `%${(byte & 0xff).toString(16).toUpperCase().padStart(2, "0")}`;
}

function byNameAndValue(
  [name, value]: readonly [string, string],
  [otherName, otherValue]: readonly [string, string],
): number {
  if (name !== otherName) return name < otherName ? -1 : 1;
  if (value === otherValue) return 0;
  return value < otherValue ? -1 : 1;
}

/** A header's value as it is signed: runs of spaces are one space, several headers of one name are joined with ",". */
export function canonicalHeader(request: RawRequest, name: string): string {
  const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;
  // A signed length of a request without a body: some servers between drop it.
  if (value === undefined) return name === "content-length" ? "0" : "";
  if (!value.includes(", ")) return trimmed(value);
  const values: string[] = [];
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) values.push(trimmed(rawHeaders[at + 1] ?? ""));
  }
  return values.length > 1 ? values.join(",") : trimmed(value);
}

function trimmed(value: string): string {
  return value.includes("  ") ? value.trim().replaceAll(/ {2,}/gu, " ") : value.trim();
}
