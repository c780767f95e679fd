import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { readXml, type XmlElement } from "../xml/read.ts";
import { sha256Hex, signRequest, type TestKey } from "./sign-request.ts";

export type { TestKey } from "./sign-request.ts";

export interface TestRequestOptions {
  /** Decoded names and values; `undefined` stands for a name without a value. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Instead of the body's SHA-256. */
  readonly payloadHash?: string;
  readonly host?: string;
}

/** A reply as it came. */
export class TestReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, bytes: Buffer) {
    this.status = status;
    this.headers = headers;
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }

  get xml(): XmlElement {
    return readXml(this.text);
  }

  /** The code of an error document. */
  get code(): string | undefined {
    return /<Code>([^<]*)<\/Code>/u.exec(this.text)?.[1];
  }
}

/** Sends one request at a time over HTTP, signed by one key or not at all. */
export class TestS3 {
  readonly address: string;
  readonly #key: TestKey | undefined;
  readonly #agent = new Agent({ keepAlive: false });

  constructor(address: string, key: TestKey | undefined) {
    this.address = address;
    this.#key = key;
  }

  /** `path` is "/bucket/key", not encoded. */
  send(method: string, path: string, options: TestRequestOptions = {}): Promise<TestReply> {
    const body = Buffer.from(options.body ?? "");
    const query = Object.entries(options.query ?? {})
      .map(([name, value]) =>
        value === undefined ? encode(name) : `${encode(name)}=${encode(value)}`,
      )
      .join("&");
    const encodedPath = path.split("/").map(encode).join("/");
    const plain: Record<string, string> = {
      host: options.host ?? this.address,
      ...options.headers,
    };
    if (options.body !== undefined) plain["content-length"] ??= String(body.byteLength);
    const headers =
      this.#key === undefined
        ? plain
        : signRequest(
            {
              method,
              path: encodedPath,
              query,
              headers: plain,
              payloadHash: options.payloadHash ?? sha256Hex(body),
              timeMs: Date.now(),
            },
            this.#key,
          );
    return this.#exchange(
      method,
      query === "" ? encodedPath : `${encodedPath}?${query}`,
      headers,
      body,
    );
  }

  get(path: string, options?: TestRequestOptions): Promise<TestReply> {
    return this.send("GET", path, options);
  }

  head(path: string, options?: TestRequestOptions): Promise<TestReply> {
    return this.send("HEAD", path, options);
  }

  put(path: string, body: string | Uint8Array = "", options: TestRequestOptions = {}) {
    return this.send("PUT", path, { ...options, body });
  }

  post(path: string, body: string | Uint8Array = "", options: TestRequestOptions = {}) {
    return this.send("POST", path, { ...options, body });
  }

  delete(path: string, options?: TestRequestOptions): Promise<TestReply> {
    return this.send("DELETE", path, options);
  }

  #exchange(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
  ): Promise<TestReply> {
    const [host, port] = this.address.split(":");
    return new Promise((resolve, reject) => {
      const sent = httpRequest({ host, port, method, path, headers, agent: this.#agent });
      sent.on("error", reject);
      sent.on("response", (reply) => {
        const parts: Buffer[] = [];
        reply.on("data", (part: Buffer) => parts.push(part));
        reply.on("error", reject);
        reply.on("end", () => {
          resolve(new TestReply(reply.statusCode ?? 0, reply.headers, Buffer.concat(parts)));
        });
      });
      sent.end(body);
    });
  }
}

/** Percent-encodes all but what S3 leaves as it is. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
