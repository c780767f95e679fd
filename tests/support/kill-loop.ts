import { setTimeout as pause } from "node:timers/promises";
import { Prng, randomBelow } from "@cairnfs/base/random";
import type { CairnClient } from "@cairnfs/client";
import { contentOf } from "@cairnfs/testkit/content";
import type { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect } from "vitest";
import { expectContent } from "./verify.ts";

interface Acknowledged {
  readonly seed: number;
  readonly sizeBytes: number;
}

const SIZES_BYTES = [0, 1, 4096, 4097, 65_536, 300_000, 1_500_000, 9_000_000];
const WRITERS = 3;

/**
 * Kills every process at a random moment, restarts all, and does that again, while writers put files. In the end every
 * acknowledged file reads back whole. The seed decides sizes and moments.
 */
export async function killEverythingOften(
  cluster: ProcessCluster,
  { seed, rounds }: { readonly seed: number; readonly rounds: number },
): Promise<number> {
  const random = new Prng(seed);
  const acknowledged = new Map<string, Acknowledged>();
  for (let round = 0; round < rounds; round++) {
    const client = await cluster.connect({ patienceMs: 2_000, timeoutMs: 2_000, stallMs: 2_000 });
    const over = new AbortController();
    const writing = Array.from({ length: WRITERS }, (_, writer) =>
      writeUntil(
        over.signal,
        client,
        `/kill/${round}-${writer}`,
        new Prng(seed + round * 10 + writer),
        acknowledged,
      ),
    );
    await pause(300 + randomBelow(random, 1500));
    await cluster.killAll();
    over.abort();
    await Promise.all(writing);
    await cluster.restartAll();
  }
  const reader = await cluster.connect();
  for (const [path, content] of acknowledged) await expectContent(reader, path, content);
  expect(acknowledged.size).toBeGreaterThan(rounds);
  return acknowledged.size;
}

async function writeUntil(
  over: AbortSignal,
  client: CairnClient,
  prefix: string,
  random: Prng,
  acknowledged: Map<string, Acknowledged>,
): Promise<void> {
  for (let file = 0; !over.aborted; file++) {
    const path = `${prefix}-${file}`;
    const content = {
      seed: randomBelow(random, 1_000_000),
      sizeBytes: SIZES_BYTES[randomBelow(random, SIZES_BYTES.length)] ?? 1,
    };
    try {
      await client.put(path, contentOf(content.seed, content.sizeBytes), {
        parents: true,
        signal: over,
      });
      acknowledged.set(path, content);
    } catch {
      // Not acknowledged: the cluster was being killed, and nothing is promised of this file.
    }
  }
}
