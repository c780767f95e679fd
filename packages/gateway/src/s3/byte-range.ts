import { S3Error } from "./errors.ts";

/** Bytes of an object: the last one is among them. */
export interface RequestedRange {
  readonly firstByte: number;
  readonly lastByte: number;
}

/**
 * The range that a Range header asks for. Undefined, and so the whole object, for what is no byte range and for several ranges at once, as S3
 * does. `InvalidRange` for one that no byte of the object is in.
 */
export function requestedRange(
  header: string | undefined,
  sizeBytes: number,
): RequestedRange | undefined {
  const found = /^bytes=(\d*)-(\d*)$/u.exec(header ?? "");
  if (header === undefined || found === null) return undefined;
  const [, first = "", last = ""] = found;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    if (Number(last) === 0) throw unsatisfiable(header, sizeBytes);
    const suffixBytes = Math.min(Number(last), sizeBytes);
    if (suffixBytes === 0) return undefined;
    return { firstByte: sizeBytes - suffixBytes, lastByte: sizeBytes - 1 };
  }
  const firstByte = Number(first);
  const lastByte = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== "" && Number(last) < firstByte) return undefined;
  if (firstByte >= sizeBytes) throw unsatisfiable(header, sizeBytes);
  return { firstByte, lastByte };
}

/** Where in the object a range is likely to begin, before its size is known. */
export function likelyStart(header: string | undefined): number {
  const first = Number(/^bytes=(\d+)/u.exec(header ?? "")?.[1] ?? 0);
  return Number.isSafeInteger(first) ? first : 0;
}

/** The Content-Range of a partial reply. */
export function contentRange({ firstByte, lastByte }: RequestedRange, sizeBytes: number): string {
  return `bytes ${firstByte}-${lastByte}/${sizeBytes}`;
}

function unsatisfiable(range: string, sizeBytes: number): S3Error {
  return new S3Error("InvalidRange", {
    details: { RangeRequested: range, ActualObjectSize: String(sizeBytes) },
    headers: { "content-range": `bytes */${sizeBytes}` },
  });
}
