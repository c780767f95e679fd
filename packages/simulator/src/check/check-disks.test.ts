import { expect, test } from "vitest";
import { generatePlan } from "../generate-plan.ts";
import { ClientRunner } from "../world/client-runner.ts";
import { World } from "../world/world.ts";
import { auditCopies } from "./audit.ts";
import { checkDisks } from "./check-disks.ts";

/** A world with one file of some chunks in it. */
async function worldWithFile(): Promise<World> {
  const { shape } = generatePlan(1, "calm");
  const world = new World(1, { ...shape, store: "file", replicationFactor: 3 });
  await world.start();
  const machine = world.machine("client1");
  let position = 0;
  const runner = new ClientRunner(world, machine, {
    values: [{ id: 0, sizeBytes: 150_000 }],
    operations: [
      {
        id: 1,
        client: machine.host,
        pauseMs: 0,
        action: { kind: "put", path: "/a", value: 0, stallMs: 0 },
      },
    ],
    history: [],
    position: () => position++,
  });
  runner.start();
  await world.scheduler.runUntil(world.scheduler.nowMs + 5_000, () => runner.isDone);
  return world;
}

function chunkFile(world: World): { readonly host: string; readonly path: string } {
  for (const { host, disk } of world.nodes) {
    const path = disk.paths().find((name) => name.startsWith("/data/chunks/"));
    if (path !== undefined) return { host, path };
  }
  throw new RangeError("no node has a chunk");
}

test("a world as it should be has nothing to find", async () => {
  const world = await worldWithFile();
  await auditCopies(world, new Set());
  await checkDisks(world);
  expect(world.problems.found).toEqual([]);
  world.end();
});

test("a copy that is gone from a disk is found while the cluster runs, and at the end", async () => {
  const world = await worldWithFile();
  const { host, path } = chunkFile(world);
  await world.machine(host).disk.remove(path);
  await auditCopies(world, new Set());
  expect(world.problems.found.join()).toMatch(/^lost: .* is recorded to have proved a copy/u);
  await world.machine(host).disk.syncFolder(path.slice(0, path.lastIndexOf("/")));
  await checkDisks(world);
  expect(world.problems.found.join()).toMatch(/does not hold .* which is recorded there/u);
  world.end();
});

test("a bit that has rotted is found when the disks are read", async () => {
  const world = await worldWithFile();
  const { host, path } = chunkFile(world);
  world.machine(host).disk.flipBit(path, 8 * 20_000);
  await checkDisks(world);
  expect(world.problems.found.join()).toMatch(/is corrupt/u);
  world.end();
});
