import { present } from "@cairnfs/base/assert";
import type { KvStore, KvTransaction, TransactOptions } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { expect, test } from "vitest";
import { contents } from "../keyspace.ts";
import { contentId } from "../namespace/ids.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import { multipartParts } from "./multipart-tables.ts";
import { PART_OBJECT_BYTES_MAX } from "./put-part.ts";
import { MultipartBucket } from "./testing/multipart-bucket.ts";
import { uploadNumberOf } from "./upload-id.ts";

/** A store that counts what its transactions read and write, a row each. */
class CountingKv implements KvStore {
  rows = 0;
  readonly #kv = new MemoryKv();

  transact<T>(body: (tx: KvTransaction) => T | Promise<T>, options?: TransactOptions): Promise<T> {
    return this.#kv.transact((tx) => body(this.#counted(tx)), options);
  }

  #counted(tx: KvTransaction): KvTransaction {
    return {
      get: (key) => this.#count(1, tx.get(key)),
      getShared: (key) => this.#count(1, tx.getShared(key)),
      getMany: (keys) => this.#count(keys.length, tx.getMany(keys)),
      range: async (range) => {
        const found = await tx.range(range);
        return this.#count(found.length + 1, found);
      },
      put: (key, value) => this.#count(1, tx.put(key, value)),
      delete: (key) => this.#count(1, tx.delete(key)),
      deleteRange: (start, end) => this.#count(1, tx.deleteRange(start, end)),
      add: (key, delta) => this.#count(1, tx.add(key, delta)),
      append: (prefix, value) => this.#count(1, tx.append(prefix, value)),
    };
  }

  #count<T>(rows: number, result: T): T {
    this.rows += rows;
    return result;
  }

  read: KvStore["read"] = (body) => this.#kv.read(body);
  onAppend: KvStore["onAppend"] = (listener) => this.#kv.onAppend(listener);
  close = () => this.#kv.close();
}

/** Plants parts that all show one object's content, with as much said of each as there may be. */
async function plantParts(b: MultipartBucket, uploadId: Uint8Array, count: number) {
  const { entry } = await b.ns.objects("statObject", { bucket: "bucket", key: "source" });
  const id = contentId(Number(present(entry, "the source is there").contentId));
  const number = uploadNumberOf(uploadId);
  await b.ns.kv.transact(async (tx) => {
    const content = present(await contents.get(tx, id), "the source has a content");
    contents.put(tx, id, { ...content, owners: content.owners + count });
    for (let at = 1; at <= count; at++) {
      const { sizeBytes, chunkCount, depth } = content;
      const object = Buffer.alloc(PART_OBJECT_BYTES_MAX);
      const part = { contentId: id, sizeBytes, chunkCount, depth, modifiedMs: 0, object };
      multipartParts.put(tx, [number, at], part);
    }
  });
  return Array.from({ length: count }, (_, at) => [at + 1, BigInt(id)] as const);
}

test("10,000 parts complete in one transaction, each at the cost of a part among few", async () => {
  const kv = new CountingKv();
  await using b = await MultipartBucket.open({ kv });
  await b.ns.call("commitUpload", await b.begin("source", {}, [chunkOf("a")]));
  const rowsOf = async (count: number) => {
    const uploadId = await b.create();
    const parts = await plantParts(b, uploadId, count);
    const before = kv.rows;
    const { entry } = await b.complete(uploadId, parts);
    expect(entry?.sizeBytes).toBe(BigInt(count * 65_536));
    return kv.rows - before;
  };
  const few = await rowsOf(100);
  const many = await rowsOf(10_000);
  // Its row is read, deleted and written again elsewhere, and some rows are the object's.
  expect(few).toBeLessThan(100 * 3 + 100);
  expect(many).toBeLessThan(10_000 * 3 + 200);
  expect(await b.ns.violations()).toEqual([]);
});

test("an abort costs the same however many parts there are", async () => {
  const kv = new CountingKv();
  await using b = await MultipartBucket.open({ kv });
  await b.ns.call("commitUpload", await b.begin("source", {}, [chunkOf("a")]));
  const uploadId = await b.create();
  await plantParts(b, uploadId, 1_000);
  const before = kv.rows;
  await b.ns.multiparts("abortMultipart", { bucket: "bucket", key: "key", uploadId });
  expect(kv.rows - before).toBeLessThan(20);
  await b.ns.runAll();
  expect(await b.ns.violations()).toEqual([]);
});
