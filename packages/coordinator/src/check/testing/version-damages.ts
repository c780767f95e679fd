import { present } from "@cairnfs/base/assert";
import { buckets, contents, entries, nullVersions, versions } from "../../keyspace.ts";
import { type InodeId, inodeId, ROOT_ID } from "../../namespace/ids.ts";
import type { TestNamespace } from "../../namespace/testing/test-namespace.ts";
import { type Damage, write } from "./damage.ts";
import { VERSIONED } from "./damaged-store.ts";

/** What can go wrong with versions that are not in the tree. */
export const VERSION_DAMAGES: readonly Damage[] = [
  {
    name: "a bucket with versions that nothing is kept of",
    kinds: ["versionsForgotten", "versionsForgotten", "versionsForgotten"],
    plant: (ns) => change(ns, (tx, bucketId) => buckets.delete(tx, bucketId)),
  },
  {
    name: "a directory of a key that nothing is in",
    kinds: ["directoryUnused", "counterWrong"],
    plant: (ns) =>
      change(ns, async (tx, bucketId) => {
        const key = [ROOT_ID, `${VERSIONED}/`] as const;
        const like = present(await entries.get(tx, key), "there is a bucket");
        if (like.kind !== "directory") return;
        const made = { ...like, inodeId: inodeId(9_999), isImplied: true };
        entries.put(tx, [bucketId, "left/"], made);
      }),
  },
  {
    name: "a version null that is not listed as that",
    kinds: ["versionUnlisted"],
    plant: (ns) => change(ns, (tx, bucketId) => nullVersions.delete(tx, [bucketId, "k"])),
  },
  {
    name: "a version null that is listed and is another",
    kinds: ["versionUnlisted"],
    plant: (ns) => change(ns, (tx, bucketId) => nullVersions.put(tx, [bucketId, "other"], 9)),
  },
  {
    name: "a version that says another size than its content",
    kinds: ["entryDiffers", "counterWrong"],
    plant: (ns) =>
      change(ns, async (tx, bucketId) => {
        const { key, record } = await fileOf(tx, bucketId);
        versions.put(tx, key, { ...record, entry: { ...record.entry, sizeBytes: 99 } });
      }),
  },
  {
    name: "a version whose content is lost with its bytes",
    kinds: ["contentMissing", "fileUnreadable"],
    left: ["contentMissing", "fileUnreadable"],
    plant: (ns) =>
      change(ns, async (tx, bucketId) => {
        const { record } = await fileOf(tx, bucketId);
        contents.delete(tx, record.entry.contentId);
      }),
  },
];

type Write = Parameters<Parameters<typeof write>[1]>[0];

async function change(
  ns: TestNamespace,
  body: (tx: Write, bucketId: InodeId) => unknown,
): Promise<void> {
  const { bucket } = await ns.bucket("statBucket", { name: VERSIONED });
  const id = inodeId(Number(present(bucket, "there is a bucket").inodeId));
  await write(ns, (tx) => body(tx, id));
}

async function fileOf(tx: Write, bucketId: InodeId) {
  const rows = await versions.page(tx, { within: [bucketId], limit: 9 });
  for (const { key, value } of rows) if (value.kind === "file") return { key, record: value };
  throw new Error("there is a version");
}
