import { present } from "@cairnfs/base/assert";
import { Versioning } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { recordReplica } from "../../chunks/replicas.ts";
import { IdAllocator } from "../../id-allocator.ts";
import { chunks } from "../../keyspace.ts";
import { Mutator } from "../../namespace/mutator.ts";
import { chunkOf } from "../../namespace/testing/fake-nodes.ts";
import { TestNamespace } from "../../namespace/testing/test-namespace.ts";
import { readEpoch } from "../../single-values.ts";
import type { FindingKind } from "../finding-kinds.ts";
import { type CheckOutcome, type CheckParts, runCheck } from "../run-check.ts";

/** So many chunks take two rows of a chunk map. */
export const LONG_CHUNKS = 130;

/** A store with something of everything, in which nothing is wrong. */
export async function richStore(): Promise<TestNamespace> {
  const ns = await TestNamespace.open({
    settings: { trashMs: 86_400_000, contentGraceMs: 3_600_000, chunkGraceMs: 3_600_000 },
  });
  await ns.put("/a/inline", "text");
  await ns.upload("/a/file", [chunkOf("one"), chunkOf("two"), chunkOf("one")]);
  await ns.call("copy", { source: "/a/file", target: "/b/copy", parents: true });
  await ns.upload(
    "/a/deep/er/long",
    Array.from({ length: LONG_CHUNKS }, (_, at) => chunkOf(`long ${at}`)),
  );
  // The same chunk from two domains.
  await ns.upload("/b/same", [chunkOf("one"), chunkOf("b")]);
  await ns.upload("/b/trashed", [chunkOf("trashed")]);
  await ns.upload("/tree/in/trash", [chunkOf("tree")]);
  await ns.call("remove", { path: "/b/trashed" });
  await ns.call("remove", { path: "/tree", recursive: true });
  await ns.run("trash");
  // On its way out: a content that may be open, and chunks without references.
  await ns.upload("/gone/garbage", [chunkOf("garbage")]);
  await ns.call("remove", { path: "/gone/garbage", forever: true });
  await ns.clock.advance(3_600_001);
  await ns.run("tombstones");
  await ns.upload("/gone/open", [chunkOf("open")]);
  await ns.call("remove", { path: "/gone/open", forever: true });
  const { sessionId } = await ns.call("beginUpload", { path: "/upload" });
  const stored = await ns.store(sessionId, [chunkOf("upload")]);
  await ns.call("addChunks", { sessionId, chunks: stored });
  await addParts(ns);
  await addVersions(ns);
  return ns;
}

export const VERSIONED = "versioned";

/** An object with a version from before versioning, a later one and delete markers. */
async function addVersions(ns: TestNamespace): Promise<void> {
  await ns.bucket("createBucket", { name: VERSIONED });
  await ns.put(`/${VERSIONED}/k`, "before");
  await ns.bucket("setBucket", { name: VERSIONED, versioning: Versioning.ENABLED });
  await ns.put(`/${VERSIONED}/k`, "after");
  await ns.call("remove", { path: `/${VERSIONED}/k` });
}

/** An object of two parts, a copy that one more was appended to, and an upload with a part. */
async function addParts(ns: TestNamespace): Promise<void> {
  const bucket = "bucket";
  await ns.bucket("createBucket", { name: bucket });
  const put = async (key: string, object: object, name: string): Promise<bigint> => {
    const { sessionId } = await ns.call("beginUpload", { path: `/${bucket}/${key}`, object });
    const chunks = await ns.store(sessionId, [chunkOf(name)]);
    const sizeBytes = BigInt(chunkOf(name).lengthBytes);
    const { entry } = await ns.call("commitUpload", { sessionId, chunks, sizeBytes });
    return present(entry, "it was committed").contentId;
  };
  const { uploadId } = await ns.multiparts("createMultipart", { bucket, key: "object" });
  const parts: { number: number; contentId: bigint }[] = [];
  for (const number of [1, 2]) {
    const contentId = await put("object", { uploadId, partNumber: number }, `part ${number}`);
    parts.push({ number, contentId });
  }
  await ns.multiparts("completeMultipart", { bucket, key: "object", uploadId, parts });
  await ns.call("copy", { source: "/bucket/object", target: "/bucket/grown" });
  await put("grown", { appendAt: BigInt(2 * 65_536) }, "appended");
  const open = await ns.multiparts("createMultipart", { bucket, key: "open" });
  await put("open", { uploadId: open.uploadId, partNumber: 7 }, "part 7");
}

export interface Told {
  readonly kind: FindingKind;
  readonly subject: string;
  readonly message: string;
  readonly outcome: CheckOutcome;
}

export function checkParts(ns: TestNamespace): CheckParts {
  const { kv, clock, settings, nodes } = ns;
  const isLive = (nodeNumber: number) => nodes.isLive(nodeNumber);
  return {
    kv,
    clock,
    settings,
    mutator: new Mutator({ kv, clock, settings, ids: new IdAllocator(kv) }),
    nodes: { isKnown: async (_, nodeNumber) => nodeNumber <= 5, isLive },
    inventory: nodes,
    verifier: nodes,
    readmission: {
      admit: (nodeNumber, ids) =>
        kv.transact(async (tx) => {
          const epoch = await readEpoch(tx);
          const id = present(ids[0], "one copy is admitted at a time");
          return Number(await recordReplica(tx, id, { nodeNumber, epoch }, isLive));
        }),
    },
    onMended: () => undefined,
    pauseMs: 0,
  };
}

/** All that a check of the whole store tells. */
export async function checkAll(
  ns: TestNamespace,
  repair = false,
  pageRows = 1_000,
): Promise<Told[]> {
  const signal = new AbortController().signal;
  const told: Told[] = [];
  for await (const event of runCheck(
    { ...checkParts(ns), pageRows },
    { path: undefined, repair },
    signal,
  )) {
    if (event.kind === "finding") told.push({ ...event.finding, outcome: event.outcome });
  }
  return told;
}

/** The record of a chunk that is there. */
export async function recordOf(ns: TestNamespace, name: string) {
  const id = chunkOf(name).chunkId;
  const record = await ns.kv.read((reader) => chunks.get(reader, id));
  return [id, present(record, `chunk ${name} has a record`)] as const;
}
