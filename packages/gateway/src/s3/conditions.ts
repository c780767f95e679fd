import { S3Error } from "./errors.ts";
import type { RequestHeaders } from "./operation.ts";

/** What conditions of a request are about. */
export interface Conditioned {
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

const SECOND_MS = 1000;

/**
 * Holds what a reader gets against the conditions of the request, in HTTP's order: If-Match, or else If-Unmodified-Since, are
 * `PreconditionFailed`; If-None-Match, or else If-Modified-Since, are `NotModified`, with these headers.
 */
export function checkReadConditions(
  headers: RequestHeaders,
  found: Conditioned,
  notModifiedHeaders: Readonly<Record<string, string>>,
): void {
  const match = headers["if-match"];
  const unmodifiedSince = timeOf(headers["if-unmodified-since"]);
  if (match !== undefined) {
    if (!names(match, found.etag)) throw failed("If-Match");
  } else if (unmodifiedSince !== undefined && seconds(found) > unmodifiedSince) {
    throw failed("If-Unmodified-Since");
  }
  const noneMatch = headers["if-none-match"];
  const modifiedSince = timeOf(headers["if-modified-since"]);
  const isSame =
    noneMatch === undefined
      ? modifiedSince !== undefined && seconds(found) <= modifiedSince
      : names(noneMatch, found.etag);
  if (isSame) throw new S3Error("NotModified", { headers: notModifiedHeaders });
}

/** The same for a copy's source, whose conditions have names of their own and know no 304. */
export function checkSourceConditions(headers: RequestHeaders, found: Conditioned): void {
  const prefix = "x-amz-copy-source-if-";
  const match = headers[`${prefix}match`];
  const unmodifiedSince = timeOf(headers[`${prefix}unmodified-since`]);
  if (match !== undefined) {
    if (!names(match, found.etag)) throw failed("x-amz-copy-source-If-Match");
  } else if (unmodifiedSince !== undefined && seconds(found) > unmodifiedSince) {
    throw failed("x-amz-copy-source-If-Unmodified-Since");
  }
  const noneMatch = headers[`${prefix}none-match`];
  const modifiedSince = timeOf(headers[`${prefix}modified-since`]);
  if (noneMatch !== undefined) {
    if (names(noneMatch, found.etag)) throw failed("x-amz-copy-source-If-None-Match");
  } else if (modifiedSince !== undefined && seconds(found) <= modifiedSince) {
    throw failed("x-amz-copy-source-If-Modified-Since");
  }
}

/** Whether a write has conditions on what is there. */
export function hasWriteConditions(headers: RequestHeaders): boolean {
  return headers["if-match"] !== undefined || headers["if-none-match"] !== undefined;
}

/**
 * Holds what is at a key against the conditions of a write. `found` is undefined when nothing is there: If-Match is `NoSuchKey` then.
 */
export function checkWriteConditions(
  headers: RequestHeaders,
  key: string,
  found: Conditioned | undefined,
): void {
  const match = headers["if-match"];
  if (match !== undefined) {
    if (found === undefined) throw new S3Error("NoSuchKey", { details: { Key: key } });
    if (!names(match, found.etag)) throw failed("If-Match");
  }
  const noneMatch = headers["if-none-match"];
  if (noneMatch !== undefined && found !== undefined && names(noneMatch, found.etag)) {
    throw failed("If-None-Match");
  }
}

/** Whether a list of ETags, quoted or not or, as S3 takes them, quoted at one end, or "*", names this one. */
function names(list: string, etag: string): boolean {
  return list.split(",").some((item) => {
    const named = item.trim().replace(/^W\//u, "");
    return named === "*" || named.replace(/^"|"$/gu, "") === etag;
  });
}

/** In seconds since the epoch; undefined for what is no date, which counts as not given. */
function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : Math.floor(timeMs / SECOND_MS);
}

/** Dates in headers know no fractions. */
function seconds({ modifiedMs }: Conditioned): number {
  return Math.floor(modifiedMs / SECOND_MS);
}

function failed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { details: { Condition: condition } });
}
