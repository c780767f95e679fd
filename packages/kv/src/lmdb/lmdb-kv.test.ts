import { SystemRandom } from "@cairnfs/base/random";
import { temporaryFolder } from "@cairnfs/base/testing/temp-folder";
import { describeKvStore, HastyClock } from "../kv.contract.ts";
import { LmdbKv } from "./lmdb-kv.ts";

const parts = { clock: new HastyClock(), random: new SystemRandom() };

describeKvStore("LmdbKv", async () => {
  const folder = await temporaryFolder();
  let store = await LmdbKv.open(folder.path, parts);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await LmdbKv.open(folder.path, parts);
      return store;
    },
    dispose: () => folder[Symbol.asyncDispose](),
  };
});
