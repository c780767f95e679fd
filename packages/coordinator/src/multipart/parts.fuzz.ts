import { hasReason } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { contents } from "../keyspace.ts";
import { chunkOf, type TestChunk } from "../namespace/testing/fake-nodes.ts";
import { MultipartBucket, placed } from "./testing/multipart-bucket.ts";

const bucket = "bucket";
const KEYS = ["a", "b", "c/d"];

interface ModelPart {
  readonly contentId: bigint;
  readonly chunks: readonly TestChunk[];
}

interface ModelUpload {
  readonly key: string;
  readonly uploadId: Uint8Array;
  readonly parts: Map<number, ModelPart>;
}

/** What is done by chance, and what the objects and uploads should be then. */
class ModelBucket {
  readonly #b: MultipartBucket;
  readonly #random: Prng;
  readonly #objects = new Map<string, readonly TestChunk[]>();
  readonly #uploads: ModelUpload[] = [];

  constructor(b: MultipartBucket, random: Prng) {
    this.#b = b;
    this.#random = random;
  }

  readonly #acts: readonly (() => Promise<unknown>)[] = [
    () => this.#create(),
    () => this.#putPart(),
    () => this.#putPart(),
    () => this.#copyPart(),
    () => this.#complete(),
    () => this.#complete(),
    () => this.#abort(),
    () => this.#append(),
    () => this.#append(),
    () => this.#copy(),
    () => this.#put(),
    () => this.#remove(),
    () => this.#b.ns.clock.advance(this.#b.ns.settings.contentGraceMs / 3),
    () => this.#b.ns.run("tombstones"),
    () => this.#b.ns.runAll(),
  ];

  async step(): Promise<void> {
    await this.#one(this.#acts)?.();
  }

  async check(): Promise<void> {
    for (const key of KEYS) {
      const chunks = this.#objects.get(key);
      const stat = this.#b.ns.objects("statObject", { bucket, key });
      if (chunks === undefined) await expect(stat).rejects.toMatchObject(NOT_THERE);
      else expect(await this.#b.chunksOf(key, 1 + this.#below(7))).toEqual(placed(chunks));
    }
    expect(await this.#b.ns.violations()).toEqual([]);
  }

  /** Lets go of everything: nothing may be left. */
  async end(): Promise<void> {
    while (this.#uploads.length > 0) await this.#abort();
    for (const key of KEYS) {
      if (this.#objects.has(key)) await this.#b.ns.call("remove", { path: `/${bucket}/${key}` });
    }
    await this.#b.ns.clock.advance(this.#b.ns.settings.contentGraceMs);
    await this.#b.ns.runAll();
    const { kv } = this.#b.ns;
    expect(await kv.read((reader) => contents.page(reader, { limit: 1 }))).toEqual([]);
    expect(await kv.read(readCounters)).toMatchObject({ chunks: 0, logicalBytes: 0, files: 0 });
  }

  #below(count: number): number {
    return randomBelow(this.#random, count);
  }

  #one<T>(items: readonly T[]): T | undefined {
    return items[this.#below(items.length)];
  }

  #key(): string {
    return this.#one(KEYS) ?? "a";
  }

  #chunks(): readonly TestChunk[] {
    return Array.from({ length: this.#below(4) }, () => {
      return chunkOf(`chunk ${this.#below(8)}`, 1 + this.#below(3));
    });
  }

  async #create(): Promise<void> {
    const key = this.#key();
    this.#uploads.push({ key, uploadId: await this.#b.create(key), parts: new Map() });
  }

  async #putPart(): Promise<void> {
    const upload = this.#one(this.#uploads);
    if (upload === undefined) return;
    const chunks = this.#chunks();
    const partNumber = 1 + this.#below(5);
    const { uploadId, key } = upload;
    const commit = await this.#b.begin(key, { uploadId, partNumber }, chunks);
    const { entry } = await this.#b.ns.call("commitUpload", commit);
    upload.parts.set(partNumber, { contentId: entry?.contentId ?? 0n, chunks });
  }

  async #copyPart(): Promise<void> {
    const upload = this.#one(this.#uploads);
    const sourceKey = this.#key();
    const source = this.#objects.get(sourceKey);
    if (upload === undefined || source === undefined) return;
    const partNumber = 1 + this.#below(5);
    const first = this.#below(source.length + 1);
    const chunks = source.slice(first, first + 1 + this.#below(source.length + 1));
    const isWhole = chunks.length === 0 || this.#below(2) === 0;
    const range = {
      offsetBytes: BigInt(sizeOf(source.slice(0, first))),
      lengthBytes: BigInt(sizeOf(chunks)),
    };
    const { uploadId, key } = upload;
    const named = { bucket, key, uploadId, partNumber, sourceBucket: bucket, sourceKey };
    try {
      const request = { ...named, ...(isWhole ? {} : { range }) };
      const { part } = await this.#b.ns.multiparts("copyPart", request);
      const contentId = part?.contentId ?? 0n;
      upload.parts.set(partNumber, { contentId, chunks: isWhole ? source : chunks });
    } catch (error) {
      // It has been copied too often.
      if (!hasReason(error, "conflictingState")) throw error;
    }
  }

  async #complete(): Promise<void> {
    const upload = this.#one(this.#uploads);
    if (upload === undefined) return;
    const named = [...upload.parts].sort(([a], [b]) => a - b).filter(() => this.#below(5) > 0);
    if (named.length === 0) return;
    const { key, uploadId } = upload;
    const parts = named.map(([number, { contentId }]) => [number, contentId] as const);
    await this.#b.complete(uploadId, parts, key);
    this.#uploads.splice(this.#uploads.indexOf(upload), 1);
    const chunks = named.flatMap(([, part]) => part.chunks);
    this.#objects.set(key, chunks);
    await this.#b.complete(uploadId, parts, key);
  }

  async #abort(): Promise<void> {
    const upload = this.#one(this.#uploads);
    if (upload === undefined) return;
    const { key, uploadId } = upload;
    await this.#b.ns.multiparts("abortMultipart", { bucket, key, uploadId });
    this.#uploads.splice(this.#uploads.indexOf(upload), 1);
  }

  async #append(): Promise<void> {
    const key = this.#key();
    const before = this.#objects.get(key);
    if (before === undefined) return;
    const chunks = this.#chunks();
    try {
      await this.#b.append(key, sizeOf(before), chunks);
      this.#objects.set(key, [...before, ...chunks]);
    } catch (error) {
      if (!hasReason(error, "conflictingState")) throw error;
    }
  }

  async #put(): Promise<void> {
    const key = this.#key();
    const chunks = this.#chunks();
    await this.#b.ns.call("commitUpload", await this.#b.begin(key, {}, chunks));
    this.#objects.set(key, chunks);
  }

  async #copy(): Promise<void> {
    const [source, target] = [this.#key(), this.#key()];
    const chunks = this.#objects.get(source);
    if (chunks === undefined) return;
    const [sourceKey, key] = [source, target];
    const { entry } = await this.#b.ns.objects("statObject", { bucket, key: sourceKey });
    const sourceInodeId = entry?.inodeId ?? 0n;
    const request = { sourceBucket: bucket, sourceKey, sourceInodeId, bucket, key };
    await this.#b.ns.objects("copyObject", request);
    this.#objects.set(target, chunks);
  }

  async #remove(): Promise<void> {
    const key = this.#key();
    await this.#b.ns.objects("removeObject", { bucket, key });
    this.#objects.delete(key);
  }
}

const NOT_THERE = { reason: "pathNotFound" };

function sizeOf(chunks: readonly TestChunk[]): number {
  return chunks.reduce((size, chunk) => size + chunk.lengthBytes, 0);
}

test.each([1, 2, 3, 4])(
  "parts, appends and copies by chance leave what they should, seed %i",
  async (seed) => {
    await using b = await MultipartBucket.open();
    const model = new ModelBucket(b, new Prng(seed));
    for (let at = 1; at <= 120; at++) {
      await model.step();
      if (at % 20 === 0) await model.check();
    }
    await model.end();
  },
);
