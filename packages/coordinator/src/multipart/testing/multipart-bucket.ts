import { present } from "@cairnfs/base/assert";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import type { TestChunk } from "../../namespace/testing/fake-nodes.ts";
import {
  TestNamespace,
  type TestNamespaceOptions,
} from "../../namespace/testing/test-namespace.ts";

export const KIB_64 = 65_536;

/** The bucket "b" in a namespace of its own, and what tests do with uploads in parts there. */
export class MultipartBucket implements AsyncDisposable {
  readonly ns: TestNamespace;

  private constructor(ns: TestNamespace) {
    this.ns = ns;
  }

  static async open(options: TestNamespaceOptions = {}): Promise<MultipartBucket> {
    const ns = await TestNamespace.open(options);
    await ns.bucket("createBucket", { name: "bucket" });
    return new MultipartBucket(ns);
  }

  /** Begins an upload of `key`; its id. */
  async create(key = "key"): Promise<Uint8Array> {
    const { uploadId } = await this.ns.multiparts("createMultipart", { bucket: "bucket", key });
    return uploadId;
  }

  /** Opens the session of a part and stores these chunks: what is left is to commit it. */
  async beginPart(uploadId: Uint8Array, partNumber: number, chunks: readonly TestChunk[]) {
    return this.begin("key", { uploadId, partNumber }, chunks);
  }

  async begin(key: string, object: ObjectInit, chunks: readonly TestChunk[]) {
    const path = `/bucket/${key}`;
    const { sessionId } = await this.ns.call("beginUpload", { path, object });
    const stored = await this.ns.store(sessionId, chunks);
    const sizeBytes = BigInt(chunks.reduce((size, chunk) => size + chunk.lengthBytes, 0));
    return { sessionId, chunks: stored, sizeBytes };
  }

  /** Uploads a part; the id of its content. */
  async putPart(
    uploadId: Uint8Array,
    partNumber: number,
    chunks: readonly TestChunk[],
  ): Promise<bigint> {
    const commit = await this.beginPart(uploadId, partNumber, chunks);
    const object = { md5: Buffer.alloc(16, partNumber) };
    const { entry } = await this.ns.call("commitUpload", { ...commit, object });
    return present(entry, "a part was committed").contentId;
  }

  /** Adds to the object at `key`, which must have this size. */
  async append(key: string, appendAt: number, chunks: readonly TestChunk[]) {
    const commit = await this.begin(key, { appendAt: BigInt(appendAt) }, chunks);
    const { entry } = await this.ns.call("commitUpload", commit);
    return present(entry, "an append was committed");
  }

  complete(uploadId: Uint8Array, parts: readonly (readonly [number, bigint])[], key = "key") {
    return this.ns.multiparts("completeMultipart", {
      bucket: "bucket",
      key,
      uploadId,
      parts: parts.map(([number, contentId]) => ({ number, contentId })),
    });
  }

  /** Uploads an object of these parts, whole. */
  async upload(key: string, parts: readonly (readonly TestChunk[])[]) {
    const { uploadId } = await this.ns.multiparts("createMultipart", { bucket: "bucket", key });
    const named: (readonly [number, bigint])[] = [];
    for (const [at, chunks] of parts.entries()) {
      const commit = await this.begin(key, { uploadId, partNumber: at + 1 }, chunks);
      const { entry } = await this.ns.call("commitUpload", commit);
      named.push([at + 1, present(entry, "a part was committed").contentId]);
    }
    const { entry } = await this.complete(uploadId, named, key);
    return present(entry, "an upload was completed");
  }

  /** The chunks of the object at `key`, each as its id and where it starts, read in pages of `limit`. */
  async chunksOf(key: string, limit = 256): Promise<readonly (readonly [string, number])[]> {
    const opened = await this.ns.objects("openObject", {
      bucket: "bucket",
      key,
      chunkLimit: limit,
    });
    const entry = present(opened.entry, "an object was opened");
    const found = [...opened.chunks];
    for (;;) {
      const last = found.at(-1);
      const offsetBytes = last === undefined ? 0n : last.offsetBytes + last.lengthBytes;
      const { contentId } = entry;
      const page = await this.ns.call("getChunkMap", { contentId, offsetBytes, chunkLimit: limit });
      if (page.chunks.length === 0) break;
      found.push(...page.chunks);
    }
    return found.map((chunk) => [chunkIdFromBytes(chunk.chunkId), Number(chunk.offsetBytes)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ns[Symbol.asyncDispose]();
  }
}

interface ObjectInit {
  readonly uploadId?: Uint8Array;
  readonly partNumber?: number;
  readonly appendAt?: bigint;
}

/** What `chunksOf` gives for chunks that follow each other. */
export function placed(...parts: readonly (readonly TestChunk[])[]) {
  let offset = 0;
  return parts.flat().map(({ chunkId, lengthBytes }) => {
    offset += lengthBytes;
    return [chunkId, offset - lengthBytes] as const;
  });
}
