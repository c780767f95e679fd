import { present } from "@cairnfs/base/assert";
import { expect, test } from "vitest";
import { accessKeys, userEmails, userIds, userKeys, users } from "../access/access-tables.ts";
import { impliedBucket } from "../buckets/bucket-record.ts";
import { changeChunk } from "../chunks/change-chunk.ts";
import { count } from "../counters.ts";
import {
  bucketDocuments,
  bucketLifecycles,
  buckets,
  chunkMap,
  chunks,
  contents,
  debts,
  domainReferences,
  drops,
  entries,
  garbageChunks,
  sessionExpiries,
  sessions,
  TOMB_KIND,
  tombstones,
  trash,
  trashDues,
  trashPaths,
  trashSizings,
} from "../keyspace.ts";
import { NO_PARTS } from "../namespace/content.ts";
import { contentId, domainId, inodeId, ROOT_ID, trashId } from "../namespace/ids.ts";
import { chunkOf } from "../namespace/testing/fake-nodes.ts";
import type { TestNamespace } from "../namespace/testing/test-namespace.ts";
import { metaNumbers } from "../single-values.ts";
import { FINDING_KINDS, type FindingKind } from "./finding-kinds.ts";
import { runCheck } from "./run-check.ts";
import { type Damage, entryAt, fileAt, write } from "./testing/damage.ts";
import { checkAll, checkParts, recordOf, richStore, type Told } from "./testing/damaged-store.ts";
import { PART_DAMAGES } from "./testing/part-damages.ts";
import { VERSION_DAMAGES } from "./testing/version-damages.ts";

const DAMAGES: readonly Damage[] = [
  {
    name: "an entry whose content is gone",
    kinds: ["contentMissing", "fileUnreadable"],
    left: ["contentMissing", "fileUnreadable"],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/a", "inline");
      await write(ns, (tx) => contents.delete(tx, id));
    },
  },
  {
    name: "a file and an item of the trash whose contents are gone and whose chunk maps are there",
    kinds: [
      "contentMissing",
      "mapOrphaned",
      "referencesWrong",
      "contentMissing",
      "contentMissing",
      "mapOrphaned",
      "referencesWrong",
      "referencesWrong",
      "fileUnreadable",
      "fileUnreadable",
    ],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/a", "file");
      const items = await ns.kv.read((reader) => trash.page(reader, { limit: 10 }));
      await write(ns, (tx) => {
        for (const { value } of items) {
          if (value.entry.kind === "file") contents.delete(tx, value.entry.contentId);
        }
        contents.delete(tx, id);
      });
    },
  },
  {
    name: "a row missing from a chunk map",
    kinds: ["contentMapBroken", "fileUnreadable", "referencesWrong", "referencesWrong"],
    left: ["contentMapBroken", "fileUnreadable", "referencesWrong", "referencesWrong"],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/a/deep/er", "long");
      const rows = await ns.kv.read((reader) => chunkMap.page(reader, { within: [id], limit: 9 }));
      await write(ns, (tx) => chunkMap.delete(tx, present(rows[1], "it has two rows").key));
    },
  },
  {
    name: "a chunk without a record",
    kinds: ["chunkMissing", "fileUnreadable", "counterWrong", "counterWrong"],
    plant: async (ns) => {
      const [id] = await recordOf(ns, "long 7");
      await write(ns, (tx) => chunks.delete(tx, id));
    },
  },
  {
    name: "a chunk that nobody holds any more",
    kinds: ["chunkLost", "fileUnreadable"],
    left: ["chunkLost", "fileUnreadable"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "long 7");
      for (const nodeNumber of record.nodeNumbers) ns.nodes.lose(nodeNumber, id);
      await write(ns, (tx) =>
        changeChunk(tx, id, record, { ...record, nodeNumbers: [], debtCopies: 0 }),
      );
    },
  },
  {
    name: "a directory that lost its name",
    kinds: ["entriesOrphaned", "counterWrong"],
    plant: async (ns) => {
      const [key] = await entryAt(ns, "/a/deep", "er/");
      await write(ns, (tx) => entries.delete(tx, key));
    },
  },
  {
    name: "a directory with two names",
    kinds: ["directoryTwice", "counterWrong"],
    plant: async (ns) => {
      const [, entry] = await entryAt(ns, "/a", "deep/");
      await write(ns, (tx) => entries.put(tx, [ROOT_ID, "twin/"], entry));
    },
  },
  {
    name: "a file under the key of a directory",
    kinds: ["entryMisnamed"],
    plant: async (ns) => {
      const { key, entry } = await fileAt(ns, "/a", "file");
      await write(ns, (tx) => {
        entries.delete(tx, key);
        entries.put(tx, [key[0], "file/"], entry);
      });
    },
  },
  {
    name: "an entry of another size than its content",
    kinds: ["entryDiffers", "counterWrong"],
    plant: async (ns) => {
      const { key, entry } = await fileAt(ns, "/a", "file");
      await write(ns, (tx) => entries.put(tx, key, { ...entry, sizeBytes: 1 }));
    },
  },
  ...[1, 3].map(
    (owners): Damage => ({
      name: `a content of two entries that counts ${owners}`,
      kinds: ["ownersWrong"],
      plant: async (ns) => {
        const { id, content } = await fileAt(ns, "/a", "file");
        await write(ns, (tx) => contents.put(tx, id, { ...content, owners }));
      },
    }),
  ),
  {
    name: "a content that is owned and to go",
    kinds: ["ownersWrong"],
    plant: async (ns) => {
      const { id, content } = await fileAt(ns, "/a", "file");
      await write(ns, (tx) => {
        contents.put(tx, id, { ...content, owners: 0, goneAtMs: 5 });
        tombstones.put(tx, [5, TOMB_KIND.content, id], true);
      });
    },
  },
  {
    name: "a content that nobody has, and that is not to go",
    kinds: ["ownersWrong"],
    plant: (ns) =>
      write(ns, (tx) =>
        contents.put(tx, contentId(900_001), {
          owners: 1,
          domainId: domainId(1),
          sizeBytes: 1,
          chunkCount: 0,
          goneAtMs: 0,
          sha256: new Uint8Array(0),
          inlineBytes: Buffer.from("x"),
          ...NO_PARTS,
        }),
      ),
  },
  {
    name: "a content without owners that no tombstone stands for",
    kinds: ["contentUnlisted"],
    plant: async (ns) => {
      const [row] = await ns.kv.read((reader) => tombstones.page(reader, { limit: 1 }));
      await write(ns, (tx) => tombstones.delete(tx, present(row, "one is to go").key));
    },
  },
  {
    name: "a tombstone of nothing, and one at another time",
    kinds: ["tombstoneStale", "tombstoneStale"],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/a", "file");
      await write(ns, (tx) => {
        tombstones.put(tx, [7, TOMB_KIND.content, 900_000], true);
        tombstones.put(tx, [7, TOMB_KIND.content, id], true);
      });
    },
  },
  {
    name: "a chunk map without a content",
    kinds: ["mapOrphaned"],
    plant: (ns) => write(ns, (tx) => chunkMap.put(tx, [contentId(900_002), 0], [chunkOf("one")])),
  },
  ...[-1, 1].map(
    (delta): Damage => ({
      name: `a chunk that counts ${delta} references more than there are`,
      kinds: ["referencesWrong"],
      plant: async (ns) => {
        const [id, record] = await recordOf(ns, "one");
        const references = record.references + delta;
        const homeReferences = record.homeReferences + delta;
        await write(ns, (tx) => chunks.put(tx, id, { ...record, references, homeReferences }));
      },
    }),
  ),
  {
    name: "references that are counted for another domain",
    kinds: ["referencesWrong"],
    plant: async (ns) => {
      const [id] = await recordOf(ns, "one");
      const [row] = await ns.kv.read((reader) =>
        domainReferences.page(reader, { within: [id], limit: 1 }),
      );
      const { key, value } = present(row, "two domains refer to it");
      await write(ns, (tx) => {
        domainReferences.delete(tx, key);
        domainReferences.put(tx, [id, domainId(900_000)], value);
      });
    },
  },
  {
    name: "a chunk that is referred to and garbage",
    kinds: ["referencesWrong"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "two");
      await write(ns, (tx) =>
        changeChunk(tx, id, record, { ...record, state: "garbage", dueMs: 9 }),
      );
    },
  },
  {
    name: "a chunk that is referred to and being deleted",
    kinds: ["referencesWrong"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "two");
      const garbage = { ...record, state: "garbage", dueMs: 9 } as const;
      await write(ns, (tx) => {
        metaNumbers.put(tx, "epoch", 2);
        changeChunk(tx, id, garbage, { ...garbage, state: "deleting", dueMs: 0, deleteEpoch: 1 });
        garbageChunks.delete(tx, [9, id]);
        // As if it had been garbage before.
        for (const [name, amount] of [
          ["chunks", -1],
          ["uniqueBytes", -record.lengthBytes],
          ["garbageChunks", 1],
          ["garbageBytes", record.lengthBytes],
          ["garbageDiskBytes", record.lengthBytes * record.nodeNumbers.length],
        ] as const) {
          count(tx, name, amount);
        }
        for (const nodeNumber of record.nodeNumbers) drops.put(tx, [nodeNumber, id], 1);
      });
    },
  },
  {
    name: "a live chunk that nobody refers to",
    kinds: ["referencesWrong"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "garbage");
      await write(ns, (tx) => changeChunk(tx, id, record, { ...record, state: "live", dueMs: 0 }));
    },
  },
  {
    name: "rows of domains for a chunk without a record, and at its home",
    kinds: ["domainRowStale", "domainRowStale"],
    plant: async (ns) => {
      const [id, { homeDomainId }] = await recordOf(ns, "two");
      await write(ns, (tx) => {
        domainReferences.put(tx, [chunkOf("nothing").chunkId, domainId(5)], 1);
        domainReferences.put(tx, [id, homeDomainId], 1);
      });
    },
  },
  {
    name: "garbage that is not listed",
    kinds: ["chunkUnlisted"],
    plant: async (ns) => {
      const [id, { dueMs }] = await recordOf(ns, "garbage");
      await write(ns, (tx) => garbageChunks.delete(tx, [dueMs, id]));
    },
  },
  {
    name: "a debt that is not listed, and a deletion that no node is told",
    kinds: ["chunkUnlisted", "chunkUnlisted"],
    plant: async (ns) => {
      const [one, owed] = await recordOf(ns, "two");
      const [other, garbage] = await recordOf(ns, "garbage");
      const nodeNumbers = garbage.nodeNumbers.slice(0, 1);
      for (const nodeNumber of garbage.nodeNumbers.slice(1)) ns.nodes.lose(nodeNumber, other);
      await write(ns, (tx) => {
        changeChunk(tx, one, owed, { ...owed, debtCopies: 2 });
        debts.delete(tx, [2, one]);
        const deleting = { ...garbage, nodeNumbers, state: "deleting", dueMs: 0 } as const;
        changeChunk(tx, other, garbage, { ...deleting, deleteEpoch: 1 });
      });
    },
  },
  {
    name: "rows of chunks that are neither due nor in debt",
    kinds: ["chunkRowStale", "chunkRowStale"],
    plant: async (ns) => {
      const [id] = await recordOf(ns, "two");
      await write(ns, (tx) => {
        garbageChunks.put(tx, [77, id], true);
        debts.put(tx, [1, id], true);
      });
    },
  },
  {
    name: "a record and a deletion that name a node that never was",
    kinds: ["nodeUnknown", "nodeUnknown"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "two");
      await write(ns, (tx) => {
        chunks.put(tx, id, { ...record, nodeNumbers: [...record.nodeNumbers, 99] });
        drops.put(tx, [98, id], 1);
      });
    },
  },
  {
    name: "an upload that never expires, and an expiry of nothing",
    kinds: ["uploadUnlisted", "uploadUnlisted"],
    plant: async (ns) => {
      const rows = await ns.kv.read((reader) => sessions.page(reader, { limit: 10 }));
      const open = present(
        rows.find(({ value }) => value.answer === undefined),
        "an upload is open",
      );
      await write(ns, (tx) => {
        sessionExpiries.delete(tx, [open.value.expiresMs, open.key]);
        sessionExpiries.put(tx, [5, Buffer.alloc(16, 1)], true);
      });
    },
  },
  {
    name: "a bucket without a directory, and documents of none",
    kinds: ["bucketOrphaned", "bucketOrphaned", "bucketOrphaned"],
    plant: (ns) =>
      write(ns, (tx) => {
        buckets.put(tx, inodeId(777), impliedBucket(inodeId(777)));
        bucketDocuments.put(tx, [inodeId(777), "acl"], Buffer.from("x"));
        bucketDocuments.put(tx, [inodeId(888), "acl"], Buffer.from("x"));
        bucketLifecycles.put(tx, inodeId(888), Buffer.from("x"));
      }),
  },
  {
    name: "users and access keys that are not listed, or are nobody's",
    kinds: ["userUnlisted", "userUnlisted", "userUnlisted", "userUnlisted", "userUnlisted"],
    plant: (ns) =>
      write(ns, (tx) => {
        const noKey = { hadKey: false, isRoot: false, policies: new Map<string, string>() };
        users.put(tx, "ann", { userId: "ab", createdMs: 1, email: "A@b", ...noKey });
        userIds.put(tx, "cd", "nobody");
        userEmails.put(tx, "c@d", "ann");
        const key = { secretKey: "s", createdMs: 1, isDisabled: false, expiresMs: 0 };
        accessKeys.put(tx, "AK1", { userName: "nobody", description: "", ...key });
        userKeys.put(tx, ["ann", "AK2"], true);
      }),
  },
  {
    name: "an item of the trash that is in no index, and rows of nothing",
    kinds: ["trashUnlisted", "trashUnlisted", "trashUnlisted", "trashUnlisted"],
    plant: async (ns) => {
      const [row] = await ns.kv.read((reader) => trash.page(reader, { limit: 1 }));
      const { key, value } = present(row, "something is in the trash");
      const none = trashId(900_000);
      await write(ns, (tx) => {
        trashDues.delete(tx, [value.dueMs, key]);
        trashDues.put(tx, [3, none], true);
        trashPaths.put(tx, ["/x", none], true);
        trashSizings.put(tx, none, {
          size: { files: 0, directories: 0, logicalBytes: 0, diskBytes: 0 },
          stack: [],
        });
      });
    },
  },
  {
    name: "counters that drifted",
    kinds: ["counterWrong", "counterWrong"],
    plant: (ns) =>
      write(ns, (tx) => {
        count(tx, "files", 3);
        count(tx, "uniqueBytes", -7);
      }),
  },
  {
    name: "a chunk that is to be deleted by no node",
    kinds: ["chunkUnlisted"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "garbage");
      const condemned = { ...record, state: "deleting", dueMs: 0, nodeNumbers: [] } as const;
      await write(ns, (tx) => changeChunk(tx, id, record, condemned));
    },
  },
  {
    name: "a copy that its node lost, and one that rotted",
    kinds: ["copyMissing"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "two");
      ns.nodes.lose(present(record.nodeNumbers[0], "somebody holds it"), id);
    },
  },
  {
    name: "a copy that its node does not list and finds rotten",
    kinds: ["copyCorrupt"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "two");
      const nodeNumber = present(record.nodeNumbers[0], "somebody holds it");
      ns.nodes.corrupt.add(`${id}/${nodeNumber}`);
      ns.nodes.unlisted.add(`${id}/${nodeNumber}`);
    },
  },
  {
    name: "a copy that no record names, of a chunk with too few",
    kinds: ["copyUnclaimed"],
    plant: async (ns) => {
      const [id, record] = await recordOf(ns, "two");
      const nodeNumbers = record.nodeNumbers.slice(1);
      await write(ns, async (tx) => {
        changeChunk(tx, id, record, { ...record, nodeNumbers, debtCopies: 2 });
        metaNumbers.put(tx, "horizon", 50);
        metaNumbers.put(tx, "epoch", 60);
      });
    },
  },
  {
    name: "a copy that no record names nor will",
    kinds: ["copyUnknown"],
    plant: async (ns) => {
      const placement = { nodeNumbers: [1], epoch: 1n };
      ns.nodes.store(Buffer.alloc(16), chunkOf("unknown"), placement);
      await write(ns, (tx) => {
        metaNumbers.put(tx, "horizon", 50);
        metaNumbers.put(tx, "epoch", 60);
      });
    },
  },
  ...PART_DAMAGES,
  ...VERSION_DAMAGES,
];

function kindsOf(told: readonly Told[]): FindingKind[] {
  return told.map(({ kind }) => kind).sort();
}

test("in a store where all is well a check finds nothing", async () => {
  await using ns = await richStore();
  expect(await checkAll(ns)).toEqual([]);
  expect(await ns.violations()).toEqual([]);
});

test.each(DAMAGES)(
  "$name is found, mended where it can be, and not found again",
  async (damage) => {
    await using ns = await richStore();
    await damage.plant(ns);
    const told = await checkAll(ns);
    expect(kindsOf(told)).toEqual([...damage.kinds].sort());
    expect(told.every(({ outcome }) => outcome === "told")).toBe(true);

    // What was mended late in the first may have been in the way of something early.
    await checkAll(ns, true);
    await checkAll(ns, true);
    await ns.run("drops");
    expect(kindsOf(await checkAll(ns))).toEqual([...(damage.left ?? [])].sort());
  },
);

test("what is mended is told as mended, and what cannot be is told as it is", async () => {
  await using ns = await richStore();
  const { id } = await fileAt(ns, "/a", "inline");
  await write(ns, (tx) => {
    contents.delete(tx, id);
    count(tx, "files", 3);
  });
  const told = await checkAll(ns, true);
  expect(told.map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ["contentMissing", "told"],
    ["counterWrong", "mended"],
    ["fileUnreadable", "told"],
  ]);
});

test("mending lets go of no content that a file owns, whatever it counts, while what is due is taken apart", async () => {
  await using ns = await richStore();
  const { id, content } = await fileAt(ns, "/a/deep/er", "long");
  await write(ns, (tx) => contents.put(tx, id, { ...content, owners: 0, goneAtMs: 5 }));
  const signal = new AbortController().signal;
  for await (const _ of runCheck(checkParts(ns), { path: undefined, repair: true }, signal)) {
    await ns.run("tombstones");
  }
  expect((await fileAt(ns, "/a/deep/er", "long")).content).toMatchObject({ owners: 1 });
  expect(await checkAll(ns)).toEqual([]);
});

test("a copy that no record names stays while others of its chunk are on nodes that died just before", async () => {
  await using ns = await richStore();
  const [id, record] = await recordOf(ns, "two");
  const spare = [1, 2, 3, 4, 5].find((number) => !record.nodeNumbers.includes(number));
  const placement = { nodeNumbers: [present(spare, "one holds none")], epoch: 1n };
  ns.nodes.store(Buffer.alloc(16), chunkOf("two"), placement);
  await write(ns, (tx) => {
    metaNumbers.put(tx, "horizon", 50);
    metaNumbers.put(tx, "epoch", 60);
  });
  // The ledger has not followed yet.
  for (const nodeNumber of record.nodeNumbers.slice(1)) ns.nodes.dead.add(nodeNumber);
  await checkAll(ns, true);
  expect(await ns.kv.read((reader) => drops.get(reader, [placement.nodeNumbers[0] ?? 0, id]))).toBe(
    undefined,
  );
});

test("chunks that may be all that is left of a damaged file are kept until it is removed", async () => {
  await using ns = await richStore();
  const { id } = await fileAt(ns, "/a/deep/er", "long");
  await write(ns, (tx) => chunkMap.delete(tx, [id, 0]));
  await checkAll(ns, true);
  expect((await recordOf(ns, "long 7"))[1].state).toBe("live");
  await ns.call("remove", { path: "/a/deep/er/long", forever: true });
  await checkAll(ns, true);
  expect((await recordOf(ns, "long 7"))[1].state).toBe("garbage");
});

test("every kind but those about nodes that do not answer is planted by a case", () => {
  const planted = new Set(DAMAGES.flatMap(({ kinds }) => kinds));
  const missing = Object.keys(FINDING_KINDS).filter((kind) => !planted.has(kind as FindingKind));
  expect(missing).toEqual(["nodeUnchecked"]);
});

test("a directory that lost its name is found below /lost+found, with all that was in it", async () => {
  await using ns = await richStore();
  const [key, { inodeId: id }] = await entryAt(ns, "/a/deep", "er/");
  await write(ns, (tx) => entries.delete(tx, key));
  await checkAll(ns, true);
  expect(await ns.names(`/lost+found/${id}`)).toEqual(["long"]);
});

test("a node that does not answer is told of, and the others are checked", async () => {
  await using ns = await richStore();
  const [id, record] = await recordOf(ns, "two");
  const [first, second] = record.nodeNumbers;
  ns.nodes.lose(present(first, "somebody holds it"), id);
  ns.nodes.list = failingFor(ns, present(second, "somebody else holds it"));
  expect(kindsOf(await checkAll(ns))).toEqual(["copyMissing", "nodeUnchecked"]);
});

function failingFor(ns: TestNamespace, failing: number): TestNamespace["nodes"]["list"] {
  const list = ns.nodes.list.bind(ns.nodes);
  return async (page) => {
    if (page.nodeNumber === failing) ns.nodes.dead.add(failing);
    const answer = list(page);
    ns.nodes.dead.delete(failing);
    return answer;
  };
}

test("while others write, nothing is told that is not so", async () => {
  await using ns = await richStore();
  let isOver = false;
  const busy = (async () => {
    for (let at = 0; !isOver; at++) {
      const path = `/busy/${at % 7}`;
      await ns.upload(path, [chunkOf("one"), chunkOf(`busy ${at % 11}`)]);
      await ns.call("copy", { source: path, target: `/busy/copy${at % 5}` });
      if (at % 3 === 0) await ns.call("remove", { path, forever: at % 2 === 0 });
      if (at % 4 === 0) {
        const { items } = await ns.trash("listTrash", { path: "/busy", limit: 1 });
        const value = items[0]?.trashId;
        const target = `/busy/back${at}`;
        if (value !== undefined) {
          await ns.trash("restoreTrash", { item: { case: "trashId", value }, target });
        }
      }
      await ns.run("tombstones");
    }
  })();
  // Others write between any two pages.
  for (let round = 0; round < 6; round++) expect(await checkAll(ns, round > 2, 7)).toEqual([]);
  isOver = true;
  await busy;
  expect(await ns.violations()).toEqual([]);
});

test("an entry with a damaged content can be removed", async () => {
  await using ns = await richStore();
  const { id } = await fileAt(ns, "/a", "inline");
  await write(ns, (tx) => contents.delete(tx, id));
  await ns.call("remove", { path: "/a/inline", forever: true });
  expect(await checkAll(ns)).toEqual([]);
});
