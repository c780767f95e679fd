import { SystemClock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { LmdbKv } from "@cairnfs/kv/lmdb/lmdb-kv";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { describeNamespace } from "./namespace.contract.ts";

describeNamespace(
  "MemoryKv",
  async () => {
    const kv = new MemoryKv();
    return { kv, [Symbol.asyncDispose]: () => kv.close() };
  },
  { seeds: [1, 2, 3], steps: 400 },
);

describeNamespace(
  "LmdbKv",
  async () => {
    const folder = await temporaryFolder();
    const kv = await LmdbKv.open(folder.path, { clock: new SystemClock(), random: new Prng(1) });
    return {
      kv,
      [Symbol.asyncDispose]: async () => {
        await kv.close();
        await folder[Symbol.asyncDispose]();
      },
    };
  },
  { seeds: [4], steps: 250 },
);
