import { S3Error } from "../s3/errors.ts";

/** A form as it is sent: its fields before the file, and the file's bytes as they come. */
export interface UploadForm {
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly filename: string;
  /** Read once; rejects when the form ends before the file does. Pieces are good until the next one is asked for. */
  readonly file: AsyncIterable<Uint8Array>;
}

/** All that may come before the file. */
const FIELDS_BYTES_MAX = 20 * 1024;
const FIELDS_MAX = 200;
const LINE_END = Buffer.from("\r\n");
const HEADERS_END = Buffer.from("\r\n\r\n");

/** Reads a body of the type multipart/form-data up to its file. What comes after the file does not count. */
export async function readForm(
  contentType: string | undefined,
  body: AsyncIterable<Uint8Array>,
): Promise<UploadForm> {
  const boundary = boundaryOf(contentType);
  const reader = new FormReader(body, Buffer.from(`\r\n--${boundary}`));
  const fields = new Map<string, string>();
  await reader.begin();
  while (await reader.nextPart()) {
    const { name, filename } = disposition(await reader.readHeaders());
    if (name === "file") return { fields, filename, file: reader.readFile() };
    if (fields.size === FIELDS_MAX) throw new S3Error("MaxPostPreDataLengthExceededError");
    fields.set(name, await reader.readField());
  }
  throw new S3Error("InvalidArgument", {
    message: "POST requires exactly one file upload per request.",
  });
}

function boundaryOf(contentType: string | undefined): string {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(
      contentType ?? "",
    ) ?? [];
  const boundary = quoted ?? plain;
  if (boundary !== undefined) return boundary;
  throw new S3Error("PreconditionFailed", {
    details: { Condition: "Bucket POST must be of the enclosure-type multipart/form-data" },
  });
}

function disposition(headers: string): { readonly name: string; readonly filename: string } {
  const line = headers.split("\r\n").find((one) => /^content-disposition\s*:/i.test(one)) ?? "";
  const name = parameter(line, "name");
  if (!/:\s*form-data\b/i.test(line) || name === undefined) throw malformedForm();
  return { name: name.toLowerCase(), filename: parameter(line, "filename") ?? "" };
}

function parameter(line: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]*))`, "i").exec(line);
  return found === null ? undefined : (found[1]?.replace(/\\(["\\])/g, "$1") ?? found[2]);
}

function malformedForm(): S3Error {
  return new S3Error("MalformedPOSTRequest");
}

class FormReader {
  readonly #source: AsyncIterator<Uint8Array>;
  /** What ends each part: a line end, dashes and the boundary. */
  readonly #delimiter: Buffer;
  #held: Buffer = Buffer.alloc(0);
  /** By fields and their headers. */
  #takenBytes = 0;

  constructor(body: AsyncIterable<Uint8Array>, delimiter: Buffer) {
    this.#source = body[Symbol.asyncIterator]();
    this.#delimiter = delimiter;
  }

  /** The first part has no line before it, so that one is thought there. */
  async begin(): Promise<void> {
    this.#held = LINE_END;
    await this.#take(this.#delimiter);
  }

  /** After a delimiter: whether another part follows. */
  async nextPart(): Promise<boolean> {
    while (this.#held.byteLength < 2) await this.#more();
    const isLast = this.#held.subarray(0, 2).toString("latin1") === "--";
    if (!isLast) await this.#take(LINE_END);
    return !isLast;
  }

  async readHeaders(): Promise<string> {
    return (await this.#take(HEADERS_END)).toString("utf8");
  }

  async readField(): Promise<string> {
    return (await this.#take(this.#delimiter)).toString("utf8");
  }

  async *readFile(): AsyncGenerator<Uint8Array, void, undefined> {
    const delimiter = this.#delimiter;
    for (;;) {
      const end = this.#held.indexOf(delimiter);
      if (end >= 0) {
        if (end > 0) yield this.#held.subarray(0, end);
        await this.#source.return?.();
        return;
      }
      const safe = this.#held.byteLength - delimiter.byteLength + 1;
      if (safe > 0) {
        yield this.#held.subarray(0, safe);
        this.#held = Buffer.from(this.#held.subarray(safe));
      }
      await this.#more();
    }
  }

  /** What comes before `end`, which is taken too. */
  async #take(end: Buffer): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(end);
      if (at >= 0) {
        const taken = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + end.byteLength);
        this.#takenBytes += taken.byteLength;
        if (this.#takenBytes > FIELDS_BYTES_MAX) throw tooMuch();
        return taken;
      }
      if (this.#takenBytes + this.#held.byteLength > FIELDS_BYTES_MAX) throw tooMuch();
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) throw malformedForm();
    this.#held = Buffer.concat([this.#held, next.value]);
  }
}

function tooMuch(): S3Error {
  return new S3Error("MaxPostPreDataLengthExceededError");
}
