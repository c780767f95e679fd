import { hasReason } from "@cairnfs/base/errors";
import type { SimClock } from "@cairnfs/base/testing/sim-clock";
import { BLOCK_BYTES, type ChunkId } from "@cairnfs/protocol/chunk-id";
import { describe, expect, test } from "vitest";
import type { ChunkStore } from "./chunk-store.ts";
import {
  pieceOf,
  piecesFrom,
  putChunk,
  readChunk,
  readRange,
  type SampleChunk,
  sampleChunk,
} from "./testing/sample-chunk.ts";

const MIB = 1024 * 1024;

/** A store on trial, with what its promises are checked by. */
export interface StoreOnTrial extends AsyncDisposable {
  readonly store: ChunkStore;
  readonly clock: SimClock;
  /** Flips a bit of the copy's bytes behind the store's back. */
  rot(id: ChunkId, offsetBytes: number): Promise<void>;
  /** Closes the store and opens it again; undefined when it does not outlive its process. */
  readonly reopen: (() => Promise<ChunkStore>) | undefined;
}

export interface TrialOptions {
  /** Bytes that the store may take, with nothing in reserve. */
  readonly capacityBytes?: number;
}

/** What every ChunkStore does. */
export function describeChunkStore(
  name: string,
  open: (options?: TrialOptions) => Promise<StoreOnTrial>,
): void {
  const never = new AbortController().signal;
  const ids = async (store: ChunkStore) =>
    (await store.list(undefined, 1000)).map((info) => info.id);

  describe(`${name} stores and reads`, () => {
    for (const sizeBytes of [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * MIB + 7]) {
      test(`a chunk of ${sizeBytes} bytes, whole`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        const expected = { id: chunk.id, lengthBytes: sizeBytes, epoch: 7, verifiedMs: 0 };
        expect(await putChunk(trial.store, chunk, { epoch: 7 })).toEqual(expected);
        expect(await trial.store.info(chunk.id)).toEqual(expected);
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      });
    }

    for (const sizeBytes of [1, BLOCK_BYTES + 1, MIB - 1, MIB]) {
      test(`a chunk of ${sizeBytes} bytes that is in memory whole`, async () => {
        await using trial = await open();
        const { id, bytes } = sampleChunk(sizeBytes);
        const sent = Uint8Array.from(bytes);
        const { blockChecksums } = pieceOf(bytes);
        const info = { id, lengthBytes: sizeBytes, epoch: 7, verifiedMs: 0 };
        const put = trial.store.putWhole({ id, epoch: 7, data: sent, blockChecksums });
        expect(await put).toEqual(info);
        sent.fill(0);
        expect(await trial.store.info(id)).toEqual(info);
        expect(await trial.store.info(id, sizeBytes)).toEqual(info);
        const store = (await trial.reopen?.()) ?? trial.store;
        expect(same(await readChunk(store, { id, bytes }), bytes)).toBe(true);
      });
    }

    test("nothing of a whole chunk whose blocks do not match their checksums", async () => {
      await using trial = await open();
      const { id, bytes } = sampleChunk(2 * BLOCK_BYTES);
      const blockChecksums = [...pieceOf(bytes).blockChecksums];
      blockChecksums[1] = 1;
      const put = trial.store.putWhole({ id, epoch: 1, data: bytes, blockChecksums });
      await expect(put).rejects.toMatchObject({ reason: "chunkMismatch" });
      expect(await trial.store.info(id)).toBeUndefined();
    });

    test("a chunk that turns out shorter than its limit", async () => {
      await using trial = await open();
      for (const lengthLimitBytes of [200_000, 8 * MIB]) {
        const chunk = sampleChunk(100_000, lengthLimitBytes);
        await putChunk(trial.store, chunk, { lengthLimitBytes });
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      }
    });

    test("ranges at the edges of blocks, as the whole blocks they touch", async () => {
      await using trial = await open();
      for (const sizeBytes of [5 * BLOCK_BYTES + 100, 20 * BLOCK_BYTES]) {
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk);
        const edges = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, sizeBytes - 1];
        for (const offsetBytes of edges) {
          for (const endBytes of [...edges, sizeBytes]) {
            if (endBytes <= offsetBytes) continue;
            const range = { offsetBytes, lengthBytes: endBytes - offsetBytes };
            const from = Math.floor(offsetBytes / BLOCK_BYTES) * BLOCK_BYTES;
            const to = Math.ceil(endBytes / BLOCK_BYTES) * BLOCK_BYTES;
            const read = await readRange(trial.store, chunk.id, range);
            expect(same(read, chunk.bytes.subarray(from, to))).toBe(true);
          }
        }
      }
    });

    test("in pieces of at most 1 MiB that are whole blocks", async () => {
      await using trial = await open();
      const chunk = sampleChunk(2 * MIB + 5);
      await putChunk(trial.store, chunk);
      const sizes: number[] = [];
      const range = { offsetBytes: BLOCK_BYTES, lengthBytes: 2 * MIB + 5 - BLOCK_BYTES };
      for await (const piece of trial.store.read(chunk.id, range)) {
        sizes.push(piece.data.byteLength);
      }
      expect(sizes).toEqual([MIB, MIB - BLOCK_BYTES + 5]);
    });

    test("nothing outside a chunk", async () => {
      await using trial = await open();
      for (const sizeBytes of [100, MIB + 1]) {
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk);
        for (const [offsetBytes, lengthBytes] of [
          [0, 0],
          [0, sizeBytes + 1],
          [sizeBytes, 1],
          [-1, 1],
        ] as const) {
          await expect(
            readRange(trial.store, chunk.id, { offsetBytes, lengthBytes }),
          ).rejects.toMatchObject({ reason: "rangeNotSatisfiable" });
        }
      }
    });

    test("a piece's bytes are the reader's to change", async () => {
      await using trial = await open();
      const chunk = sampleChunk(1000);
      await putChunk(trial.store, chunk);
      for await (const piece of trial.store.read(chunk.id, { offsetBytes: 0, lengthBytes: 1 })) {
        piece.data.fill(0);
      }
      expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
    });

    test("a sender's buffer may be used again once a write resolved", async () => {
      await using trial = await open();
      for (const sizeBytes of [4 * BLOCK_BYTES, 2 * MIB]) {
        const chunk = sampleChunk(sizeBytes);
        const writer = await trial.store.put({ lengthLimitBytes: sizeBytes, epoch: 1 });
        const buffer = Buffer.alloc(2 * BLOCK_BYTES);
        for (let at = 0; at < sizeBytes; at += buffer.byteLength) {
          buffer.set(chunk.bytes.subarray(at, at + buffer.byteLength));
          await writer.write(pieceOf(buffer));
        }
        buffer.fill(0);
        await writer.commit(chunk.id);
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      }
    });

    test("a chunk that is not held is nowhere to be found", async () => {
      await using trial = await open();
      const chunk = sampleChunk(10);
      expect(await trial.store.info(chunk.id)).toBeUndefined();
      await expect(readChunk(trial.store, chunk)).rejects.toMatchObject({
        reason: "chunkNotFound",
      });
      expect(await trial.store.claim(chunk.id, 5)).toBe(false);
      expect(await trial.store.delete(chunk.id, 5)).toBe(true);
      expect(await trial.store.verify(chunk.id, never)).toBe("missing");
      expect(await ids(trial.store)).toEqual([]);
    });
  });

  describe(`${name} refuses`, () => {
    for (const sizeBytes of [100, 3 * MIB]) {
      test(`${sizeBytes} bytes under another id, and shows nothing of them`, async () => {
        await using trial = await open();
        const before = await trial.store.space();
        const chunk = sampleChunk(sizeBytes);
        const other = sampleChunk(sizeBytes, 2);
        await expect(
          putChunk(trial.store, { id: other.id, bytes: chunk.bytes }),
        ).rejects.toMatchObject({ reason: "chunkMismatch" });
        expect(await ids(trial.store)).toEqual([]);
        expect(await trial.store.info(other.id)).toBeUndefined();
        expect(await trial.store.space()).toEqual(before);
      });

      test(`${sizeBytes} bytes with a wrong checksum, and a commit after that`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        const writer = await trial.store.put({ lengthLimitBytes: sizeBytes, epoch: 1 });
        const pieces = [...piecesFrom(chunk.bytes)];
        const last = pieces.pop();
        for (const piece of pieces) await writer.write(piece);
        const wrong = (last?.blockChecksums ?? []).map((checksum) => checksum ^ 1);
        await expect(
          writer.write({ data: last?.data ?? new Uint8Array(), blockChecksums: wrong }),
        ).rejects.toMatchObject({ reason: "chunkMismatch" });
        await expect(writer.commit(chunk.id)).rejects.toMatchObject({ reason: "chunkMismatch" });
        expect(await ids(trial.store)).toEqual([]);
      });
    }

    test("an empty chunk", async () => {
      await using trial = await open();
      const writer = await trial.store.put({ lengthLimitBytes: 10, epoch: 1 });
      await expect(writer.commit(sampleChunk(0).id)).rejects.toMatchObject({
        reason: "chunkMismatch",
      });
      expect(await ids(trial.store)).toEqual([]);
    });

    test("more bytes than were announced, one checksum too few, and a piece after half a block", async () => {
      await using trial = await open();
      const whole = pieceOf(sampleChunk(2 * BLOCK_BYTES).bytes);
      const half = pieceOf(sampleChunk(100).bytes);
      for (const [lengthLimitBytes, pieces] of [
        [2 * BLOCK_BYTES - 1, [whole]],
        [2 * BLOCK_BYTES, [{ ...whole, blockChecksums: whole.blockChecksums.slice(1) }]],
        [2 * BLOCK_BYTES, [half, half]],
      ] as const) {
        const writer = await trial.store.put({ lengthLimitBytes, epoch: 1 });
        const write = async () => {
          for (const piece of pieces) await writer.write(piece);
        };
        await expect(write()).rejects.toMatchObject({ reason: "chunkMismatch" });
        await writer.abort();
      }
    });

    test("what was aborted", async () => {
      await using trial = await open();
      const before = await trial.store.space();
      for (const sizeBytes of [100, 3 * MIB]) {
        const writer = await trial.store.put({ lengthLimitBytes: sizeBytes, epoch: 1 });
        for (const piece of piecesFrom(sampleChunk(sizeBytes).bytes)) await writer.write(piece);
        await writer.abort();
      }
      expect(await ids(trial.store)).toEqual([]);
      expect(await trial.store.space()).toEqual(before);
    });
  });

  describe(`${name} and epochs`, () => {
    for (const sizeBytes of [100, MIB + 1]) {
      test(`a replaced chunk of ${sizeBytes} bytes keeps the higher epoch`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk, { epoch: 5 });
        expect((await putChunk(trial.store, chunk, { epoch: 3 })).epoch).toBe(5);
        expect((await putChunk(trial.store, chunk, { epoch: 9 })).epoch).toBe(9);
        expect((await trial.store.info(chunk.id))?.epoch).toBe(9);
        expect((await trial.store.space()).chunkCount).toBe(1);
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      });

      test(`a claim of ${sizeBytes} bytes raises the epoch and never lowers it`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk, { epoch: 5 });
        for (const [claimed, expected] of [
          [4, 5],
          [6, 6],
          [2 ** 40, 2 ** 40],
          [7, 2 ** 40],
        ] as const) {
          expect(await trial.store.claim(chunk.id, claimed)).toBe(true);
          expect((await trial.store.info(chunk.id))?.epoch).toBe(expected);
        }
        expect((await trial.store.list(undefined, 1))[0]?.epoch).toBe(2 ** 40);
      });

      test(`a deletion of ${sizeBytes} bytes spares what is from after its epoch`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk, { epoch: 5 });
        // Nothing from before is left, which is what was asked for.
        expect(await trial.store.delete(chunk.id, 4)).toBe(true);
        expect((await trial.store.info(chunk.id))?.epoch).toBe(5);
        await trial.store.claim(chunk.id, 6);
        expect(await trial.store.delete(chunk.id, 5)).toBe(true);
        expect((await trial.store.info(chunk.id))?.epoch).toBe(6);
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
        expect(await trial.store.delete(chunk.id, 6)).toBe(true);
        expect(await trial.store.info(chunk.id)).toBeUndefined();
        expect(await trial.store.delete(chunk.id, 6)).toBe(true);
        expect((await trial.store.space()).chunkCount).toBe(0);
      });

      test(`a chunk of ${sizeBytes} bytes put again after its deletion starts anew`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk, { epoch: 50 });
        await trial.store.delete(chunk.id, 50);
        expect((await putChunk(trial.store, chunk, { epoch: 3 })).epoch).toBe(3);
      });
    }
  });

  describe(`${name} lists`, () => {
    test("in the order of ids, page by page, without gap or repeat", async () => {
      await using trial = await open();
      const chunks = Array.from({ length: 60 }, (_, seed) => sampleChunk(50 + seed, seed));
      chunks.push(sampleChunk(MIB + 1), sampleChunk(MIB + 2), sampleChunk(MIB + 3));
      for (const chunk of chunks) await putChunk(trial.store, chunk, { epoch: 2 });
      const expected = chunks.map((chunk) => chunk.id).sort();
      for (const limit of [1, 7, 63, 64]) {
        const listed: ChunkId[] = [];
        for (let after: ChunkId | undefined; ; ) {
          const page = await trial.store.list(after, limit);
          expect(page.length).toBeLessThanOrEqual(limit);
          listed.push(...page.map((info) => info.id));
          if (page.length < limit) break;
          after = page.at(-1)?.id;
        }
        expect(listed).toEqual(expected);
      }
      const first = chunks.find((chunk) => chunk.id === expected[0]);
      expect((await trial.store.list(undefined, 1))[0]).toEqual({
        id: expected[0],
        lengthBytes: first?.bytes.byteLength,
        epoch: 2,
        verifiedMs: 0,
      });
      // Where a page starts need not be held.
      await trial.store.delete(expected[9] as ChunkId, 2);
      expect((await trial.store.list(expected[9], 1))[0]?.id).toBe(expected[10]);
    });
  });

  describe(`${name} verifies`, () => {
    for (const sizeBytes of [1000, 3 * MIB]) {
      test(`an intact copy of ${sizeBytes} bytes, and notes when`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk);
        await trial.clock.advance(5_000);
        expect(await trial.store.verify(chunk.id, never)).toBe("intact");
        const verifiedMs = (await trial.store.info(chunk.id))?.verifiedMs ?? 0;
        // Stores may keep whole seconds.
        expect(Math.abs(trial.clock.now() - verifiedMs)).toBeLessThan(1_000);
      });

      test(`a rotten copy of ${sizeBytes} bytes is set aside and can be stored again`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        const other = sampleChunk(sizeBytes, 2);
        await putChunk(trial.store, chunk);
        await putChunk(trial.store, other);
        await trial.rot(chunk.id, sizeBytes - 1);
        await expect(readChunk(trial.store, chunk)).rejects.toThrow(/corrupt/u);
        expect(await trial.store.verify(chunk.id, never)).toBe("corrupt");
        expect(await trial.store.verify(chunk.id, never)).toBe("missing");
        expect(await trial.store.info(chunk.id)).toBeUndefined();
        expect(await ids(trial.store)).toEqual([other.id]);
        await expect(readChunk(trial.store, chunk)).rejects.toMatchObject({
          reason: "chunkNotFound",
        });
        await putChunk(trial.store, chunk);
        expect(await trial.store.verify(chunk.id, never)).toBe("intact");
      });
    }

    test("not when it was told to stop", async () => {
      await using trial = await open();
      const chunk = sampleChunk(1000);
      await putChunk(trial.store, chunk);
      await expect(
        trial.store.verify(chunk.id, AbortSignal.abort(new Error("stop"))),
      ).rejects.toThrow("stop");
    });
  });

  describe(`${name} keeps accounts`, () => {
    test("of chunks, of bytes, and of what is free", async () => {
      await using trial = await open({ capacityBytes: 64 * MIB });
      const before = await trial.store.space();
      expect(before).toMatchObject({ capacityBytes: 64 * MIB, chunkCount: 0 });
      await putChunk(trial.store, sampleChunk(1000));
      await putChunk(trial.store, sampleChunk(2 * MIB));
      const after = await trial.store.space();
      expect(after.chunkCount).toBe(2);
      expect(after.usedBytes - before.usedBytes).toBeGreaterThanOrEqual(2 * MIB + 1000);
      expect(before.availableBytes - after.availableBytes).toBeGreaterThanOrEqual(2 * MIB + 1000);
      expect(after.usedBytes + after.availableBytes).toBeLessThanOrEqual(64 * MIB);
    });

    test("and is full when there is no room, until a deletion made some", async () => {
      await using trial = await open({ capacityBytes: 24 * MIB });
      const chunks: SampleChunk[] = [];
      const fill = async () => {
        for (let seed = chunks.length; ; seed++) {
          const chunk = sampleChunk(4 * MIB, seed);
          await putChunk(trial.store, chunk);
          chunks.push(chunk);
        }
      };
      await expect(fill()).rejects.toMatchObject({ reason: "storeFull" });
      expect(chunks.length).toBeGreaterThan(1);
      const [victim, kept] = chunks as [SampleChunk, SampleChunk];
      expect(await trial.store.delete(victim.id, 1)).toBe(true);
      await putChunk(trial.store, victim);
      expect(same(await readChunk(trial.store, kept), kept.bytes)).toBe(true);
    });

    test("counts what puts on their way may still write", async () => {
      await using trial = await open({ capacityBytes: 24 * MIB });
      const options = { lengthLimitBytes: 10 * MIB, epoch: 1 };
      const writers = [await trial.store.put(options), await trial.store.put(options)];
      await expect(trial.store.put(options)).rejects.toMatchObject({ reason: "storeFull" });
      for (const writer of writers) await writer.abort();
      await (await trial.store.put(options)).abort();
    });
  });

  describe(`${name} under concurrency`, () => {
    for (const sizeBytes of [1000, MIB + 1]) {
      test(`two writers of the same ${sizeBytes} bytes both succeed`, async () => {
        await using trial = await open();
        const chunk = sampleChunk(sizeBytes);
        const infos = await Promise.all([
          putChunk(trial.store, chunk, { epoch: 3 }),
          putChunk(trial.store, chunk, { epoch: 4 }),
        ]);
        expect(infos.some((info) => info.epoch === 4)).toBe(true);
        expect(await trial.store.info(chunk.id)).toMatchObject({ epoch: 4 });
        expect((await trial.store.space()).chunkCount).toBe(1);
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      });
    }

    test("many chunks put at once are all there", async () => {
      await using trial = await open();
      const chunks = Array.from({ length: 200 }, (_, seed) => sampleChunk(1 + seed * 97, seed));
      await Promise.all(chunks.map((chunk) => putChunk(trial.store, chunk)));
      for (const chunk of chunks) {
        expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      }
      expect((await trial.store.space()).chunkCount).toBe(200);
    });

    test("a reader of a chunk that is deleted gets its bytes or an error, never others", async () => {
      await using trial = await open();
      for (const sizeBytes of [1000, 3 * MIB]) {
        const chunk = sampleChunk(sizeBytes);
        await putChunk(trial.store, chunk);
        const reader = trial.store
          .read(chunk.id, { offsetBytes: 0, lengthBytes: sizeBytes })
          [Symbol.asyncIterator]();
        const parts = [(await reader.next()).value?.data];
        expect(await trial.store.delete(chunk.id, 1)).toBe(true);
        await putChunk(trial.store, sampleChunk(sizeBytes, 2));
        try {
          for (let next = await reader.next(); !next.done; next = await reader.next()) {
            parts.push(next.value.data);
          }
          expect(same(Buffer.concat(parts as Uint8Array[]), chunk.bytes)).toBe(true);
        } catch (error) {
          expect(hasReason(error, "chunkNotFound", "storeFailed")).toBe(true);
        }
      }
    });

    test("puts, claims and deletions of one chunk at once leave one of the states they can leave", async () => {
      await using trial = await open();
      const chunk = sampleChunk(5000);
      for (let round = 0; round < 20; round++) {
        const [, , gone] = await Promise.all([
          putChunk(trial.store, chunk, { epoch: round * 10 }),
          trial.store.claim(chunk.id, round * 10 + 5),
          trial.store.delete(chunk.id, round * 10 + 1),
        ]);
        const info = await trial.store.info(chunk.id);
        if (info === undefined) expect(gone).toBe(true);
        else expect(same(await readChunk(trial.store, chunk), chunk.bytes)).toBe(true);
      }
    });
  });

  describe(`${name} reopened`, () => {
    test("holds everything that was acknowledged, and nothing else", async () => {
      await using trial = await open();
      if (trial.reopen === undefined) return;
      const small = sampleChunk(1000);
      const large = sampleChunk(3 * MIB);
      const gone = [sampleChunk(2000), sampleChunk(2 * MIB)];
      for (const chunk of [small, large, ...gone]) await putChunk(trial.store, chunk, { epoch: 2 });
      for (const chunk of [small, large]) {
        await trial.store.claim(chunk.id, 8);
        await trial.store.verify(chunk.id, never);
      }
      for (const chunk of gone) await trial.store.delete(chunk.id, 2);
      const infos = await trial.store.list(undefined, 10);
      const space = await trial.store.space();

      const store = await trial.reopen();
      expect(await store.list(undefined, 10)).toEqual(infos);
      expect(infos.length).toBe(2);
      const { chunkCount, usedBytes } = space;
      expect(await store.space()).toMatchObject({ chunkCount, usedBytes });
      for (const chunk of [small, large]) {
        expect(same(await readChunk(store, chunk), chunk.bytes)).toBe(true);
      }
      for (const chunk of [small, large]) {
        expect(await store.delete(chunk.id, 7)).toBe(true);
        expect(same(await readChunk(store, chunk), chunk.bytes)).toBe(true);
      }
    });

    test("has forgotten the puts that were on their way, and their bytes", async () => {
      await using trial = await open();
      if (trial.reopen === undefined) return;
      await putChunk(trial.store, sampleChunk(10));
      const before = await trial.store.space();
      for (const sizeBytes of [1000, 3 * MIB]) {
        const writer = await trial.store.put({ lengthLimitBytes: sizeBytes, epoch: 1 });
        for (const piece of piecesFrom(sampleChunk(sizeBytes).bytes)) await writer.write(piece);
      }
      const store = await trial.reopen();
      expect(await ids(store)).toEqual([sampleChunk(10).id]);
      const { chunkCount, usedBytes } = before;
      expect(await store.space()).toMatchObject({ chunkCount, usedBytes });
    });

    test("goes on where it stopped, time and again", async () => {
      await using trial = await open();
      if (trial.reopen === undefined) return;
      const chunks: SampleChunk[] = [];
      let store = trial.store;
      for (let round = 0; round < 4; round++) {
        const chunk = sampleChunk(round % 2 === 0 ? 5000 : MIB + 5, round);
        await putChunk(store, chunk);
        chunks.push(chunk);
        store = await trial.reopen();
      }
      for (const chunk of chunks) {
        expect(same(await readChunk(store, chunk), chunk.bytes)).toBe(true);
      }
    });
  });
}

function same(actual: Uint8Array, expected: Uint8Array): boolean {
  return Buffer.compare(actual, expected) === 0;
}
