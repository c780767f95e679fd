import { SystemRandom } from "@cairnfs/base/random";
import { describeKvStore } from "../kv.contract.ts";
import { HastyClock } from "../testing/hasty-clock.ts";
import { MemoryKv } from "./memory-kv.ts";

describeKvStore("MemoryKv", async () => ({
  store: new MemoryKv({ clock: new HastyClock(), random: new SystemRandom() }),
}));
