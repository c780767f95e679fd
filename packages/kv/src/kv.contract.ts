import { describe } from "vitest";
import { describeKvConflicts } from "./contract/conflicts.contract.ts";
import { describeKvCountersAndLogs } from "./contract/counters-and-logs.contract.ts";
import { describeKvEndings } from "./contract/endings.contract.ts";
import { describeKvLimits } from "./contract/limits.contract.ts";
import { describeOpenStore, type StoreUnderTest } from "./contract/open-store.contract.ts";
import { describeKvRanges } from "./contract/ranges.contract.ts";
import { describeKvSerializability } from "./contract/serializability.contract.ts";
import { describeKvValues } from "./contract/values.contract.ts";

/** Everything that each driver of the store promises. */
export function describeKvStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    const under = describeOpenStore(open);
    describeKvValues(under);
    describeKvRanges(under);
    describeKvLimits(under);
    describeKvCountersAndLogs(under);
    describeKvConflicts(under);
    describeKvEndings(under);
    describeKvSerializability(under);
  });
}
