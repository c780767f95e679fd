import { present } from "@cairnfs/base/assert";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { contentParts, contents, TOMB_KIND, tombstones } from "../../keyspace.ts";
import type { MultipartRecord, MultipartState } from "../../multipart/multipart-record.ts";
import {
  multipartExpiries,
  multipartKeys,
  multipartParts,
  multiparts,
} from "../../multipart/multipart-tables.ts";
import { uploadIdOf } from "../../multipart/upload-id.ts";
import { addOwner } from "../../namespace/content-owners.ts";
import { contentId } from "../../namespace/ids.ts";
import type { TestNamespace } from "../../namespace/testing/test-namespace.ts";
import { type Damage, fileAt, write } from "./damage.ts";

/** The composite of a rich store and the one that has its parts. */
const BOTH_BROKEN = [
  "contentMapBroken",
  "contentMapBroken",
  "fileUnreadable",
  "fileUnreadable",
] as const;
const THREE_ORPHANS = ["partOrphaned", "partOrphaned", "partOrphaned"] as const;

/** Damage to composites and to uploads in parts. */
export const PART_DAMAGES: readonly Damage[] = [
  {
    name: "a part of a content that is not there, and one of an upload that is not",
    kinds: ["partOrphaned", "partOrphaned"],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/a", "file");
      await write(ns, async (tx) => {
        await addOwner(tx, id);
        await addOwner(tx, id);
        const part = { contentId: id, sizeBytes: 1, object: NOTHING };
        contentParts.put(tx, [contentId(900_003), 0, 1], part);
        multipartParts.put(tx, [900_004, 1], { ...part, chunkCount: 1, depth: 0, modifiedMs: 0 });
      });
    },
  },
  {
    name: "a composite without one of its parts",
    kinds: [...BOTH_BROKEN, "ownersWrong"],
    left: BOTH_BROKEN,
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/bucket", "object");
      const [row] = await ns.kv.read((reader) =>
        contentParts.page(reader, { within: [id], limit: 1 }),
      );
      await write(ns, (tx) => contentParts.delete(tx, present(row, "it has parts").key));
    },
  },
  {
    name: "a part whose content is gone",
    kinds: [...BOTH_BROKEN, "contentMissing", "mapOrphaned", "referencesWrong"],
    left: [...BOTH_BROKEN, "contentMissing", "mapOrphaned", "referencesWrong"],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/bucket", "object");
      const [row] = await ns.kv.read((reader) =>
        contentParts.page(reader, { within: [id], limit: 1 }),
      );
      await write(ns, (tx) => contents.delete(tx, present(row, "it has parts").value.contentId));
    },
  },
  {
    name: "a composite whose record is gone, of which another has its parts",
    kinds: ["contentMissing", "contentMissing", "fileUnreadable", ...THREE_ORPHANS],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/bucket", "object");
      await write(ns, (tx) => contents.delete(tx, id));
    },
  },
  {
    name: "the same where nothing but the other shows it",
    kinds: ["contentMissing", ...THREE_ORPHANS],
    plant: async (ns) => {
      const { id } = await fileAt(ns, "/bucket", "object");
      await ns.call("remove", { path: "/bucket/object", forever: true });
      await write(ns, (tx) => contents.delete(tx, id));
    },
  },
  {
    name: "an upload in parts that is not listed by its key",
    kinds: ["uploadUnlisted"],
    plant: async (ns) => {
      const { number, record } = await openUpload(ns);
      const { bucketId, key, salt } = record;
      await write(ns, (tx) => multipartKeys.delete(tx, [bucketId, key, uploadIdOf(number, salt)]));
    },
  },
  {
    name: "a key and an expiry of uploads in parts that are not there",
    kinds: ["uploadUnlisted", "uploadUnlisted"],
    plant: async (ns) => {
      const { record } = await openUpload(ns);
      await write(ns, (tx) => {
        const id = uploadIdOf(900_005, record.salt);
        multipartKeys.put(tx, [record.bucketId, "other", id], true);
        multipartExpiries.put(tx, [7, 900_005], true);
      });
    },
  },
  ...[
    { kind: "completed", dueMs: 9_000_000_000_000, answer: Buffer.alloc(0) } as const,
    { kind: "aborted", atMs: 7 } as const,
  ].map(
    (state): Damage => ({
      name: `an upload in parts that was ${state.kind} and is forgotten by whoever lets it go`,
      kinds: ["uploadUnlisted", "uploadUnlisted"],
      plant: (ns) => endBehind(ns, state),
    }),
  ),
  {
    name: "a tombstone of an upload in parts that is not there is taken away by its worker",
    kinds: [],
    plant: (ns) => write(ns, (tx) => tombstones.put(tx, [7, TOMB_KIND.multipart, 900_006], true)),
  },
];

const NOTHING = Buffer.alloc(0);

/** The upload that is open in a rich store. */
async function openUpload(
  ns: TestNamespace,
): Promise<{ readonly number: number; readonly record: MultipartRecord }> {
  const rows = await ns.kv.read((reader) => multiparts.page(reader, { limit: 10 }));
  const row = present(
    rows.find(({ value }) => value.state.kind === "open"),
    "an upload is open",
  );
  return { number: row.key, record: row.value };
}

async function endBehind(ns: TestNamespace, state: MultipartState): Promise<void> {
  const { number, record } = await openUpload(ns);
  await write(ns, (tx: KvTransaction) => multiparts.put(tx, number, { ...record, state }));
}
