import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { describeChunkStore } from "../chunk-store.contract.ts";
import { MemoryChunkStore } from "./memory-chunk-store.ts";

describeChunkStore("MemoryChunkStore", async (options) => {
  const clock = new SimClock();
  const store = new MemoryChunkStore(clock, options?.capacityBytes);
  return {
    store,
    clock,
    rot: async (id, offsetBytes) => store.corrupt(id, offsetBytes),
    reopen: undefined,
    [Symbol.asyncDispose]: () => store.close(),
  };
});
