import { Bell } from "@cairnfs/base/bell";
import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { silentLogger } from "@cairnfs/base/telemetry";
import { eventually } from "@cairnfs/base/testing/eventually";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { runWorker } from "@cairnfs/base/worker";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { expect, test } from "vitest";
import { readCounters } from "../counters.ts";
import { chunkId, recordOf } from "../healing/testing/healing-cluster.ts";
import { BadReplicaWorker } from "./bad-replica-worker.ts";
import { changeChunk } from "./change-chunk.ts";
import { ReplicaFindings } from "./replica-findings.ts";

test("a node that hangs holds up nobody else, and is asked for few copies at once", async () => {
  const kv = new MemoryKv();
  const clock = new SimClock();
  const findings = new ReplicaFindings(clock);
  let hanging = 0;
  let letGo: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const worker = new BadReplicaWorker({
    kv,
    bell: new Bell(clock),
    findings,
    isLive: () => true,
    logger: silentLogger,
    verifier: {
      verify: async ({ nodeNumber }) => {
        if (nodeNumber !== 1) return "corrupt";
        hanging += 1;
        await released;
        throw new CairnError("deadlineExceeded", "too late");
      },
    },
  });
  await kv.transact((tx) => {
    for (let number = 1; number <= 40; number++) {
      changeChunk(tx, chunkId(number), undefined, recordOf({ nodeNumbers: [1, 2, 3] }));
    }
  });
  for (let number = 1; number <= 40; number++) {
    worker.report({ chunkId: chunkId(number), nodeNumber: 1 });
  }
  for (let number = 1; number <= 40; number++) {
    worker.report({ chunkId: chunkId(number), nodeNumber: 2 });
  }
  const stop = new AbortController();
  const running = runWorker(
    worker,
    { clock, random: new Prng(1), logger: silentLogger },
    stop.signal,
  );
  await eventually(async () => {
    await clock.advance(10);
    expect((await kv.read(readCounters)).debtChunks).toBe(40);
  }, 4000);
  expect(hanging).toBe(2);
  expect(findings.of({ chunkId: chunkId(7), nodeNumber: 2 })).toMatchObject({ finding: "corrupt" });
  // What could not be asked is still believed.
  expect(findings.of({ chunkId: chunkId(1), nodeNumber: 1 })).toBeUndefined();
  letGo();
  await eventually(async () => {
    await clock.advance(10);
    expect(hanging).toBe(40);
  }, 4000);
  stop.abort();
  await clock.advance(60_000);
  await running;
  expect((await kv.read(readCounters)).debtChunks2).toBe(40);
});
