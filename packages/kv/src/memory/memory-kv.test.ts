import { SystemRandom } from "@cairnfs/base/random";
import { describeKvStore, HastyClock } from "../kv.contract.ts";
import { MemoryKv } from "./memory-kv.ts";

describeKvStore("MemoryKv", async () => ({
  store: new MemoryKv({ clock: new HastyClock(), random: new SystemRandom() }),
}));
