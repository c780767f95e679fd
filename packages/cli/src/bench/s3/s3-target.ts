import { createHash } from "node:crypto";
import type { ObjectContent } from "../content.ts";
import type { BenchTarget, PageOptions, TargetPage } from "../target.ts";
import type { S3Client } from "./s3-client.ts";

const PAGE_ENTRIES = 1_000;

/** A prefix in a bucket of anything that speaks S3; addressed by path. What S3 has no call for is left out. */
export class S3Target implements BenchTarget {
  readonly can = { rename: false, directories: false };
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #top: string;

  /** `top` is what all keys start with, with its slash. */
  constructor(client: S3Client, bucket: string, top: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#top = top;
  }

  /** Makes the bucket unless it is there. */
  async prepare(signal: AbortSignal): Promise<void> {
    const path = `/${this.#bucket}`;
    let isThere = true;
    await this.#client.bytes({
      method: "HEAD",
      path,
      signal,
      isFine: (status) => {
        if (status === 404) isThere = false;
        return status === 404;
      },
    });
    if (!isThere) {
      const isFine = (status: number) => status === 409;
      await this.#client.bytes({ method: "PUT", path, signal, isFine });
    }
  }

  async ensureDirectory(): Promise<void> {
    // Names are flat.
  }

  makeDirectory(): Promise<void> {
    throw new Error("S3 has no directories");
  }

  removeDirectory(): Promise<void> {
    throw new Error("S3 has no directories");
  }

  rename(): Promise<void> {
    throw new Error("S3 cannot rename");
  }

  async put(
    path: string,
    content: ObjectContent,
    signal: AbortSignal,
    took?: (bytes: number) => void,
  ): Promise<void> {
    const { sizeBytes, bytes } = content;
    const parts = () => counted(content.parts(), took);
    await this.#client.bytes({
      method: "PUT",
      path: this.#at(path),
      body: { sizeBytes, bytes, parts },
      signal,
    });
    if (bytes !== undefined) took?.(sizeBytes);
  }

  get(path: string, signal: AbortSignal, took?: (bytes: number) => void): Promise<number> {
    const call = { method: "GET", path: this.#at(path), signal } as const;
    return this.#client.bytes(call, (part) => took?.(part.byteLength));
  }

  async stat(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.bytes({ method: "HEAD", path: this.#at(path), signal });
  }

  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.bytes({ method: "DELETE", path: this.#at(path), signal });
  }

  async list(path: string, signal: AbortSignal): Promise<number> {
    const prefix = `${this.#top}${path}/`;
    let entries = 0;
    let token: string | undefined;
    do {
      const page = await this.#page({ prefix, token, entries: PAGE_ENTRIES }, signal);
      entries += page.keys.length;
      token = page.nextToken;
    } while (token !== undefined);
    return entries;
  }

  async listPage(path: string, page: PageOptions, signal: AbortSignal): Promise<TargetPage> {
    const prefix = `${this.#top}${path}/`;
    const startAfter = page.after === undefined ? undefined : prefix + page.after;
    const found = await this.#page({ prefix, startAfter, entries: page.entries }, signal);
    const nextAfter =
      found.nextToken === undefined ? undefined : found.keys.at(-1)?.slice(prefix.length);
    return { entries: found.keys.length, nextAfter };
  }

  /** Removes everything below the prefix; the bucket stays. */
  async wipe(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { keys } = await this.#page({ prefix: this.#top, entries: PAGE_ENTRIES }, signal);
      if (keys.length === 0) return;
      const objects = keys.map((key) => `<Object><Key>${xmlText(key)}</Key></Object>`).join("");
      const bytes = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
      const refused = await this.#client.text({
        method: "POST",
        path: `/${this.#bucket}`,
        query: { delete: "" },
        headers: { "content-md5": createHash("md5").update(bytes).digest("base64") },
        payloadHash: createHash("sha256").update(bytes).digest("hex"),
        body: { sizeBytes: bytes.byteLength, bytes, async *parts() {} },
        signal,
      });
      if (refused.includes("<Error>")) throw new Error(`not all could be removed: ${refused}`);
    }
  }

  async #page(
    page: {
      readonly prefix: string;
      readonly startAfter?: string | undefined;
      readonly token?: string | undefined;
      readonly entries: number;
    },
    signal: AbortSignal,
  ): Promise<{ readonly keys: readonly string[]; readonly nextToken: string | undefined }> {
    const text = await this.#client.text({
      method: "GET",
      path: `/${this.#bucket}`,
      query: {
        "list-type": "2",
        prefix: page.prefix,
        "max-keys": String(page.entries),
        ...(page.startAfter !== undefined && { "start-after": page.startAfter }),
        ...(page.token !== undefined && { "continuation-token": page.token }),
      },
      signal,
    });
    const keys = Array.from(text.matchAll(/<Key>([^<]*)<\/Key>/gu), ([, key = ""]) => plain(key));
    const token = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/u.exec(text)?.[1];
    const isCut = text.includes("<IsTruncated>true</IsTruncated>");
    return { keys, nextToken: isCut && token !== undefined ? plain(token) : undefined };
  }

  #at(path: string): string {
    return `/${this.#bucket}/${this.#top}${path}`;
  }
}

async function* counted(
  parts: AsyncIterable<Uint8Array>,
  took: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    yield part;
    took?.(part.byteLength);
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function xmlText(text: string): string {
  return text.replaceAll(/[&<>"]/gu, (mark) => ENTITIES[mark] ?? mark);
}

function plain(xml: string): string {
  if (!xml.includes("&")) return xml;
  return xml
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&amp;", "&");
}
