/**
 * How fast a store is on the disk of this machine. Run from the root, after `npm run build`:
 *
 *     node packages/datanode/dist/store/store.bench.js [folder]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import type { ChunkStore } from "./chunk-store.ts";
import { openChunkStore, type StoreKind } from "./open-store.ts";
import { putChunk, readChunk, type SampleChunk, sampleChunk } from "./testing/sample-chunk.ts";

const MIB = 1024 * 1024;
const clock = new SystemClock();

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(work: () => Promise<void>): Promise<Measured> {
  const cpuBefore = process.cpuUsage();
  const startedMs = clock.monotonicMs();
  await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    seconds: (clock.monotonicMs() - startedMs) / 1000,
    cpuSeconds: (user + system) / 1_000_000,
  };
}

/** Runs `work` on all items, `most` at once. */
async function inFlight<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: most }, lane));
}

async function withStore(
  kind: StoreKind,
  parent: string,
  work: (store: ChunkStore) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(parent, "cairn-bench-"));
  const parts = { disk: new RealDisk(), clock, random: new SystemRandom() };
  const store = await openChunkStore(kind, folder, parts);
  try {
    await work(store);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function large(kind: StoreKind, parent: string): Promise<void> {
  const chunks = Array.from({ length: 128 }, (_, seed) => sampleChunk(8 * MIB, seed));
  const gigabytes = (chunks.length * 8 * MIB) / 1e9;
  await withStore(kind, parent, async (store) => {
    for (const most of [1, 4]) {
      const put = await measure(() => inFlight(chunks, most, (chunk) => putChunk(store, chunk)));
      report(
        `${kind}: put 8 MiB, ${most} at once: ${rate(gigabytes * 1000, put)} MB/s, ${perGigabyte(put, gigabytes)} CPU s/GB (with the sender's checksums)`,
      );
    }
    const read = await measure(() => inFlight(chunks, 4, (chunk) => readChunk(store, chunk)));
    report(
      `${kind}: read 8 MiB, 4 at once: ${rate(gigabytes * 1000, read)} MB/s, ${perGigabyte(read, gigabytes)} CPU s/GB (with the reader's checksums)`,
    );
  });
}

async function small(kind: StoreKind, parent: string, sizeBytes: number): Promise<void> {
  const count = sizeBytes < 16_384 ? 40_000 : 10_000;
  const chunks = Array.from({ length: count }, (_, seed) => sampleChunk(sizeBytes, seed));
  await withStore(kind, parent, async (store) => {
    const put = await measure(() => inFlight(chunks, 64, (chunk) => putChunk(store, chunk)));
    report(
      `${kind}: durable puts of ${sizeBytes} bytes, 64 at once: ${rate(count, put)}/s, ${micros(put, count)} CPU µs each`,
    );
    const shuffled = shuffle(chunks);
    const read = await measure(() => inFlight(shuffled, 64, (chunk) => readChunk(store, chunk)));
    report(
      `${kind}: reads of ${sizeBytes} bytes, 64 at once: ${rate(count, read)}/s, ${micros(read, count)} CPU µs each`,
    );
    const gone = await measure(() => inFlight(chunks, 64, (chunk) => store.delete(chunk.id, 9)));
    report(`${kind}: durable deletions, 64 at once: ${rate(count, gone)}/s`);
  });
}

function shuffle(chunks: readonly SampleChunk[]): SampleChunk[] {
  return [...chunks].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function rate(amount: number, { seconds }: Measured): string {
  return (amount / seconds).toFixed(0);
}

function perGigabyte({ cpuSeconds }: Measured, gigabytes: number): string {
  return (cpuSeconds / gigabytes).toFixed(2);
}

function micros({ cpuSeconds }: Measured, count: number): string {
  return ((cpuSeconds / count) * 1e6).toFixed(0);
}

const parent = process.argv[2] ?? tmpdir();
await large("file", parent);
await small("segment", parent, 65_536);
await small("segment", parent, 4096);
await small("file", parent, 65_536);
