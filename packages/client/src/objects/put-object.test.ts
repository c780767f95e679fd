import { expect, test } from "vitest";
import { MemoryCluster } from "../testing/memory-cluster.ts";
import { inParts, testBytes } from "../testing/test-bytes.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

function open(): Promise<MemoryCluster> {
  return MemoryCluster.open({ hasLeases: true, chunkSizeBytes: 256 * KIB });
}

/** A source that comes once, and whether it has come to its end. */
function watched(bytes: Uint8Array) {
  const state = { hasEnded: false };
  async function* source() {
    yield* inParts(bytes, 10_000);
    state.hasEnded = true;
  }
  return { state, source: source() };
}

test.each([
  { what: "inline", sizeBytes: 4 * KIB, calls: { putFile: 1, beginUpload: 0, leaseFiles: 0 } },
  {
    what: "under a lease",
    sizeBytes: 99_999,
    calls: { putFile: 1, beginUpload: 0, leaseFiles: 1 },
  },
  {
    what: "in a session",
    sizeBytes: 3 * MIB,
    calls: { putFile: 0, beginUpload: 1, leaseFiles: 0 },
  },
])("what is said of an object put $what is asked once, when its source has ended", async (row) => {
  await using cluster = await open();
  const client = await cluster.connect();
  await client.mkdir("/bucket");
  const bytes = testBytes(row.sizeBytes);
  const { state, source } = watched(bytes);
  let asked = 0;
  const { entry } = await client.objects.put("bucket", "a/key", source, {
    sizeBytes: row.sizeBytes,
    contentType: "text/x",
    finish: async () => {
      expect(state.hasEnded).toBe(true);
      asked += 1;
      return { md5: Buffer.alloc(16, 7), tags: { t: "1" }, retainUntilMs: 9 };
    },
  });
  expect(asked).toBe(1);
  expect(entry).toMatchObject({ path: "/bucket/a/key", contentType: "text/x" });
  expect(entry.object).toMatchObject({ tags: { t: "1" }, retainUntilMs: 9, owner: "" });
  expect(entry.object?.md5).toEqual(new Uint8Array(16).fill(7));
  for (const [name, times] of Object.entries(row.calls)) {
    expect([name, cluster.coordinator.callCount(name)]).toEqual([name, times]);
  }
  expect(Buffer.compare(await client.getBytes("/bucket/a/key"), bytes)).toBe(0);
});

test.each([100, 99_999, 3 * MIB])(
  "nothing of %s bytes is there when they turn out wrong",
  async (sizeBytes) => {
    await using cluster = await open();
    const client = await cluster.connect();
    await client.mkdir("/bucket");
    const wrong = new Error("the digest is another");
    const failed = client.objects.put("bucket", "key", watched(testBytes(sizeBytes)).source, {
      finish: () => {
        throw wrong;
      },
    });
    await expect(failed).rejects.toBe(wrong);
    const short = client.objects.put("bucket", "key", watched(testBytes(sizeBytes)).source, {
      sizeBytes: sizeBytes + 1,
    });
    await expect(short).rejects.toMatchObject({ reason: "uploadMismatch" });
    expect([...cluster.coordinator.tree.entries.keys()]).toEqual(["/", "/bucket"]);
    expect(cluster.coordinator.sessions.size).toBe(0);
  },
);

test("small objects of a bucket share a lease, whatever their prefixes", async () => {
  await using cluster = await open();
  const client = await cluster.connect();
  await client.mkdir("/bucket");
  for (let at = 0; at < 5; at++) {
    await client.objects.put("bucket", `prefix-${at}/key`, testBytes(50_000, at));
  }
  expect(cluster.coordinator.callCount("leaseFiles")).toBe(1);
  expect(cluster.coordinator.callCount("putFile")).toBe(5);
});
