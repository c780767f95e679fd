import type { KvReader } from "@cairnfs/kv/kv-store";
import { chunkCounts } from "../chunks/change-chunk.ts";
import { COUNTERS, type CounterName, count, readCounters } from "../counters.ts";
import { changeLog, chunks, entries, sessions, trash, versions } from "../keyspace.ts";
import type { EntryRecord } from "../namespace/entry.ts";
import type { Counting } from "./counting.ts";
import type { Found } from "./finding.ts";
import { forEachRow, type Scanner } from "./scanner.ts";

type Tally = Map<CounterName, number>;

/**
 * Counters are what they count. When nothing was written while the store was read page by page, that says all; else it is read
 * once more in one snapshot.
 */
export async function* counterFindings(counting: Counting): AsyncGenerator<Found, void, undefined> {
  const { paged, kv } = counting;
  const before = await paged.read((reader) => differences(reader, new Map()));
  const tally = await tallyAll(paged);
  const roughly = await paged.read((reader) => differences(reader, tally));
  const after = await paged.read((reader) => differences(reader, new Map()));
  const isQuiet = COUNTERS.every((name) => before.get(name) === after.get(name));
  if (isQuiet && roughly.size === 0) return;
  const wrong = await counting.exact(async (scanner) => {
    const exactly = await tallyAll(scanner);
    return scanner.read((reader) => differences(reader, exactly));
  });
  for (const [name, difference] of wrong) {
    const shown = difference > 0 ? `${difference} too many` : `${-difference} too few`;
    yield {
      finding: { kind: "counterWrong", subject: `counter ${name}`, message: `it counts ${shown}` },
      mend:
        kv === undefined
          ? undefined
          : async () => {
              // By how much it is wrong does not change while others count on.
              await kv.transact((tx) => count(tx, name, -difference));
              return "mended";
            },
    };
  }
}

/** By how much counters are above a tally; those that agree are left out. */
async function differences(reader: KvReader, tally: Tally): Promise<Tally> {
  const counters = await readCounters(reader);
  const differing: Tally = new Map();
  for (const name of COUNTERS) {
    const difference = counters[name] - (tally.get(name) ?? 0);
    if (difference !== 0) differing.set(name, difference);
  }
  return differing;
}

async function tallyAll(scanner: Scanner): Promise<Tally> {
  const tally: Tally = new Map();
  const add = (name: CounterName, amount: number) => {
    tally.set(name, (tally.get(name) ?? 0) + amount);
  };
  const addEntry = (entry: EntryRecord) => {
    if (entry.kind === "directory") {
      add("directories", 1);
    } else {
      add("files", 1);
      add("logicalBytes", entry.sizeBytes);
    }
  };
  await forEachRow(scanner, entries, {}, ({ value }) => addEntry(value));
  await forEachRow(scanner, trash, {}, ({ value: { entry, size } }) => {
    addEntry(entry);
    add("trashItems", 1);
    if (size === undefined) add("trashUnsized", 1);
    add("trashFiles", size?.files ?? 0);
    add("trashDirectories", size?.directories ?? 0);
    add("trashLogicalBytes", size?.logicalBytes ?? 0);
    add("trashDiskBytes", size?.diskBytes ?? 0);
  });
  await forEachRow(scanner, versions, {}, ({ value }) => {
    if (value.kind === "marker") {
      add("deleteMarkers", 1);
    } else {
      add("versions", 1);
      add("versionBytes", value.entry.sizeBytes);
    }
  });
  await forEachRow(scanner, sessions, {}, ({ value }) => {
    if (value.answer === undefined) add("openUploads", 1);
  });
  await forEachRow(scanner, chunks, {}, ({ value }) => {
    for (const [name, amount] of chunkCounts(value)) add(name, amount);
  });
  await forEachRow(scanner, changeLog, {}, () => add("changes", 1));
  return tally;
}
