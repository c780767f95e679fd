import { Versioning } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ModelVersions } from "./testing/model-versions.ts";
import { BUCKET, VersionedBucket } from "./testing/versioned-bucket.ts";

const KEYS = ["a", "a/", "a/b", "a/b/c", "d"];
const aKey = fc.constantFrom(...KEYS);
const anOperation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("put" as const), key: aKey }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), key: aKey }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("removeVersion" as const),
      key: aKey,
      at: fc.nat(4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("move" as const), key: aKey, target: aKey }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("switch" as const) }) },
);
type Operation = typeof anOperation extends fc.Arbitrary<infer O> ? O : never;

test("versions are what a list of them for each key would be, whatever is done", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anOperation, { maxLength: 40 }), async (operations) => {
      await using bucket = await VersionedBucket.open();
      const model = new ModelVersions();
      for (const [at, operation] of operations.entries()) {
        await apply(bucket, model, operation, `${at}`);
        for (const key of KEYS) expect(await newest(bucket, key)).toBe(model.newest(key));
      }
      expect(await bucket.list()).toEqual(model.list());
      await bucket.tree.runAll();
      expect(await bucket.tree.violations()).toEqual([]);
      for (const key of KEYS) {
        for (const id of model.ids(key)) await bucket.remove(key, id);
      }
      await bucket.tree.bucket("removeBucket", { name: BUCKET });
      await bucket.tree.runAll();
      expect(await bucket.tree.violations()).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

async function apply(
  bucket: VersionedBucket,
  model: ModelVersions,
  operation: Operation,
  text: string,
): Promise<void> {
  switch (operation.kind) {
    case "put":
      model.add(operation.key, { id: await bucket.put(operation.key, text), text });
      return;
    case "remove": {
      const { versionId } = await bucket.remove(operation.key);
      model.add(operation.key, { id: versionId, text: undefined });
      return;
    }
    case "removeVersion": {
      const id = model.ids(operation.key)[operation.at];
      if (id === undefined) return;
      expect((await bucket.remove(operation.key, id)).existed).toBe(true);
      model.removeVersion(operation.key, id);
      return;
    }
    case "move":
      return move(bucket, model, operation);
    case "switch": {
      const isEnabled = model.versioning === "enabled";
      model.versioning = isEnabled ? "suspended" : "enabled";
      await bucket.set(isEnabled ? Versioning.SUSPENDED : Versioning.ENABLED);
    }
  }
}

/** What moves is put at the target and removed from where it was. */
async function move(
  bucket: VersionedBucket,
  model: ModelVersions,
  { key, target }: { readonly key: string; readonly target: string },
): Promise<void> {
  const text = model.newest(key);
  if (key === target || text === "nothing" || text === "removed") return;
  const names = { bucket: BUCKET, sourceKey: key, key: target };
  const { entry } = await bucket.tree.objects("renameObject", names);
  model.add(target, { id: entry?.versionId ?? "", text });
  const { version } = await bucket.tree.objects("statObject", { bucket: BUCKET, key });
  model.add(key, { id: version?.versionId ?? "", text: undefined });
}

async function newest(bucket: VersionedBucket, key: string): Promise<string> {
  try {
    return await bucket.text(key);
  } catch {
    return "nothing";
  }
}
