import { S3Error } from "../s3/errors.ts";

/** How far a request's time may be from ours. */
export const SKEW_MAX_MS = 15 * 60 * 1000;

const BASIC_TIME = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/u;

/** The time that was read last: most requests of a second say the same. */
let latest = { text: "", timeMs: Number.NaN };

/** "20261123T062034Z" as milliseconds; undefined when it is no such time. */
export function parseBasicTime(text: string): number | undefined {
  if (latest.text === text) return latest.timeMs;
  const found = BASIC_TIME.exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map(Number);
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second);
  // Of the 31st of February it makes a day in March.
  if (basicTime(timeMs) !== text) return undefined;
  latest = { text, timeMs };
  return timeMs;
}

/** "Fri, 24 May 2013 00:00:00 GMT" as milliseconds; what is no date, and what was before 1970, is refused. */
export function parseHttpDate(text: string): number {
  const timeMs = Date.parse(text);
  if (timeMs >= 0) return timeMs;
  throw new S3Error("AccessDenied", {
    message: "AWS authentication requires a valid Date or x-amz-date header",
  });
}

/** Milliseconds as "20261123T062034Z". */
export function basicTime(timeMs: number): string {
  return `${isoTime(timeMs).replaceAll(/[-:]/gu, "")}`;
}

/** "2026-11-23T06:20:34Z". */
export function isoTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

/** Refuses a request whose time is more than 15 minutes from ours. */
export function checkSkew(timeMs: number, shownTime: string, nowMs: number): void {
  if (Math.abs(nowMs - timeMs) <= SKEW_MAX_MS) return;
  throw new S3Error("RequestTimeTooSkewed", {
    details: {
      RequestTime: shownTime,
      ServerTime: isoTime(nowMs),
      MaxAllowedSkewMilliseconds: String(SKEW_MAX_MS),
    },
  });
}
