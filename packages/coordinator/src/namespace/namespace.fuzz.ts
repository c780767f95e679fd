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
