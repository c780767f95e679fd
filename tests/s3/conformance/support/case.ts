import type { FormGiven } from "./form.ts";
import type { Signing } from "./sign.ts";

/**
 * What a row of the suite is made of. A row is a sentence about S3, where AWS documents it, and requests with what must be
 * answered. Strings may hold names in braces: `{b}` is a bucket made for the row (see buckets.ts for the kinds), `{main}` and
 * `{alt}` are the canonical ids of the two users, and what an earlier step saved goes by the name it was saved under.
 */
export interface Row {
  readonly name: string;
  /** API reference page or section of the user guide. */
  readonly source: string;
  readonly steps: readonly Step[];
}

export interface Area {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** One request, several at once, or a request over a bare socket. */
export type Step = AskStep | AtOnceStep | SocketStep;

export interface AskStep {
  readonly kind: "ask";
  /** "METHOD bucket/key?query", all as it is sent. */
  readonly line: string;
  readonly given: Given;
  readonly want: Want;
}

/** Requests that race; `statuses` are those of all answers in any order, a list where one of several will do. */
export interface AtOnceStep {
  readonly kind: "atOnce";
  readonly steps: readonly AskStep[];
  readonly statuses: readonly (number | readonly number[])[];
}

/** Bytes as they are written to a socket, and how the answer begins. */
export interface SocketStep {
  readonly kind: "socket";
  readonly text: string;
  readonly status: number | readonly number[];
}

export type Caller = "main" | "alt" | "anonymous";

export interface Given {
  readonly as?: Caller;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Adds the Content-MD5 of the body; documents have it unless this is false. */
  readonly md5?: boolean;
  readonly signing?: Signing;
  readonly form?: FormGiven;
  /** Asks again until the answer is as wanted, this long. */
  readonly patienceMs?: number;
}

export interface Want {
  readonly status?: number | readonly number[];
  /** Code of the error document. */
  readonly code?: string | readonly string[];
  /** null: the header must be absent. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
  readonly body?: string | Uint8Array | RegExp;
  /** By path from the root element: the texts of all such elements, one text, how many there are, or none. */
  readonly xml?: Readonly<Record<string, readonly string[] | string | RegExp | number>>;
  /** Name → "header etag", "xml Version/VersionId" (the first such element) or "xml Version/VersionId 2" (the third). */
  readonly save?: Readonly<Record<string, string>>;
}

export function area(name: string, rows: readonly Row[]): Area {
  return { name, rows };
}

export function row(name: string, source: string, ...steps: readonly Step[]): Row {
  return { name, source, steps };
}

/** A request that succeeds, unless `want` says otherwise. */
export function ask(line: string, given: Given = {}, want: Want = {}): AskStep {
  return { kind: "ask", line, given, want };
}

/** A request whose answer alone matters. */
export function see(line: string, want: Want): AskStep {
  return ask(line, {}, want);
}

export function fails(
  line: string,
  status: number | readonly number[],
  code?: string | readonly string[],
  given: Given = {},
): AskStep {
  return ask(line, given, { status, ...(code === undefined ? {} : { code }) });
}

/** The caller lacks the permission. */
export function denied(line: string, given: Given = {}): AskStep {
  return line.startsWith("HEAD")
    ? fails(line, 403, undefined, given)
    : fails(line, 403, "AccessDenied", given);
}

export function put(path: string, body = "", headers: Record<string, string> = {}): AskStep {
  return ask(`PUT ${path}`, { body, headers }, { status: 200 });
}

export function atOnce(statuses: AtOnceStep["statuses"], ...steps: readonly AskStep[]): AtOnceStep {
  return { kind: "atOnce", steps, statuses };
}

export function socket(
  status: number | readonly number[],
  ...lines: readonly string[]
): SocketStep {
  return { kind: "socket", text: `${lines.join("\r\n")}\r\n\r\n`, status };
}
