import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { EntryKind } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { describe, expect, test } from "vitest";
import { chunkOf } from "./testing/fake-nodes.ts";
import { ModelTree } from "./testing/model-tree.ts";
import { TestNamespace } from "./testing/test-namespace.ts";

export interface NamespaceContractOptions {
  readonly seeds: readonly number[];
  readonly steps: number;
}

/** A store and what is to be cleared away after it. */
export interface OpenedStore extends AsyncDisposable {
  readonly kv: KvStore;
}

const NAMES = ["a", "b", "c", "d"];
const DEPTH_MAX = 4;

/**
 * Random operations, one after the other and all at once, against a tree that is as simple as can be. Each ends with
 * the invariants of the store.
 */
export function describeNamespace(
  name: string,
  open: () => Promise<OpenedStore>,
  options: NamespaceContractOptions,
): void {
  describe(`the namespace on ${name}`, () => {
    test.each(options.seeds)("does what the model does, with seed %i", async (seed) => {
      await using store = await open();
      const ns = await TestNamespace.open({ kv: store.kv });
      const random = new Prng(seed);
      const model = new ModelTree();
      for (let step = 0; step < options.steps; step++) {
        await takeStep(ns, model, random, `seed ${seed}, step ${step}`);
        if (step % 50 === 49) {
          if (random.next() < 0.5) await ns.clock.advance(random.next() * 1_000_000);
          await ns.runAll();
          expect(await ns.violations(), `seed ${seed}, step ${step}`).toEqual([]);
        }
      }
      expect(await treeOf(ns), `seed ${seed}`).toEqual(model.list());
    });

    test.each(options.seeds)(
      "stays in order when all happens at once, with seed %i",
      async (seed) => {
        await using store = await open();
        const ns = await TestNamespace.open({ kv: store.kv });
        const random = new Prng(seed);
        for (let round = 0; round < options.steps / 25; round++) {
          const calls = Array.from({ length: 12 }, () => perform(ns, choose(random)));
          const care = ["tombstones", "chunk-collector", "drops"].map((worker) => ns.run(worker));
          for (const outcome of await Promise.allSettled([...calls, ...care])) {
            if (outcome.status === "rejected" && !(outcome.reason instanceof CairnError)) {
              throw outcome.reason;
            }
          }
          if (random.next() < 0.3) await ns.clock.advance(random.next() * 1_000_000);
          expect(await ns.violations(), `seed ${seed}, round ${round}`).toEqual([]);
        }
      },
    );
  });
}

export type Operation =
  | {
      readonly kind: "put" | "upload";
      readonly path: string;
      readonly bytes: number;
      readonly parents: boolean;
    }
  | { readonly kind: "mkdir"; readonly path: string; readonly parents: boolean }
  | { readonly kind: "remove"; readonly path: string; readonly recursive: boolean }
  | {
      readonly kind: "rename" | "copy";
      readonly path: string;
      readonly target: string;
      readonly noReplace: boolean;
      readonly parents: boolean;
    };

function choose(random: Prng): Operation {
  const path = choosePath(random);
  const flag = () => random.next() < 0.5;
  const dice = random.next();
  if (dice < 0.2) return { kind: "put", path, bytes: randomBelow(random, 20), parents: flag() };
  if (dice < 0.35)
    return { kind: "upload", path, bytes: 1 + randomBelow(random, 3), parents: flag() };
  if (dice < 0.55) return { kind: "mkdir", path, parents: flag() };
  if (dice < 0.65) return { kind: "remove", path, recursive: flag() };
  const target = choosePath(random);
  const kind = dice < 0.85 ? "rename" : "copy";
  return { kind, path, target, noReplace: flag(), parents: flag() };
}

function choosePath(random: Prng): string {
  const depth = 1 + randomBelow(random, DEPTH_MAX);
  return Array.from({ length: depth }, () => `/${NAMES[randomBelow(random, NAMES.length)]}`).join(
    "",
  );
}

/** Does it to the model and to the namespace: both do it, or both refuse it for the same reason. */
async function takeStep(
  ns: TestNamespace,
  model: ModelTree,
  random: Prng,
  where: string,
): Promise<void> {
  const operation = choose(random);
  const expected = model.apply(operation);
  const found = await perform(ns, operation).then(
    () => "done",
    (error: unknown) => (error instanceof CairnError ? error.reason : String(error)),
  );
  expect(found, `${where}: ${JSON.stringify(operation)}`).toBe(expected);
}

async function perform(ns: TestNamespace, operation: Operation): Promise<unknown> {
  const { path } = operation;
  switch (operation.kind) {
    case "put":
      return ns.call("putFile", {
        path,
        inlineBytes: Buffer.alloc(operation.bytes),
        parents: operation.parents,
      });
    case "upload":
      return upload(ns, path, operation.bytes, operation.parents);
    case "mkdir":
      return ns.call("makeDirectory", { path, parents: operation.parents });
    case "remove":
      return ns.call("remove", { path, recursive: operation.recursive });
    case "rename":
    case "copy": {
      const { target, noReplace, parents } = operation;
      return ns.call(operation.kind, { source: path, target, noReplace, parents });
    }
  }
}

/** A file of so many chunks out of few, each 1,000 bytes long. */
async function upload(
  ns: TestNamespace,
  path: string,
  chunkCount: number,
  parents: boolean,
): Promise<void> {
  const { sessionId } = await ns.call("beginUpload", { path, parents });
  const parts = Array.from({ length: chunkCount }, (_, at) =>
    chunkOf(`chunk ${(sessionId[0] ?? 0) % 5} ${at % 2}`, 1000),
  );
  const chunks = await ns.store(sessionId, parts);
  await ns.call("commitUpload", { sessionId, chunks, sizeBytes: BigInt(1000 * chunkCount) });
}

/** Every path of the namespace with its kind and size, in the order of a walk. */
async function treeOf(ns: TestNamespace, path = ""): Promise<string[]> {
  const { entries } = await ns.call("list", { path: path === "" ? "/" : path });
  const lines: string[] = [];
  for (const entry of entries) {
    const below = `${path}/${entry.name}`;
    if (entry.kind === EntryKind.FILE) lines.push(`${below} ${entry.sizeBytes}`);
    else lines.push(`${below}/`, ...(await treeOf(ns, below)));
  }
  return lines;
}
