import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { Machine } from "../world/machine.ts";
import { openNodeStore } from "../world/node-store.ts";
import type { World } from "../world/world.ts";
import { liveNodes, recordedCopies } from "./check-quiet.ts";

const PAGE_COPIES = 1_000;

/**
 * Takes the power from every node at once, opens each disk by itself and compares what is on it, byte for byte, with what the records
 * say: what is recorded is held and intact, and what is held is recorded.
 */
export async function checkDisks(world: World): Promise<void> {
  const nodes = liveNodes(world);
  const recorded = await recordedCopies(world);
  for (const machine of world.nodes) world.kill(machine, { isPowerLost: true });
  for (const [number, host] of nodes) {
    const machine = world.machine(host);
    const held = await world.settled(heldAt(machine, world), `opening the disk of ${host}`);
    if (held === undefined) continue;
    const wanted = recorded.get(number) ?? new Set();
    for (const [id, verdict] of held) {
      if (verdict !== "intact")
        world.problems.add(`lost: the copy of ${id} at ${host} is ${verdict}`);
      if (!wanted.has(id)) world.problems.add(`${host} holds ${id}, which no record names there`);
    }
    for (const id of wanted) {
      if (!held.has(id))
        world.problems.add(`lost: ${host} does not hold ${id}, which is recorded there`);
    }
  }
}

/** What a disk holds, each copy read whole. */
async function heldAt(machine: Machine, world: World): Promise<Map<ChunkId, string>> {
  const { process, disk } = machine.boot();
  const store = await openNodeStore(world.shape, process, disk);
  const held = new Map<ChunkId, string>();
  const { signal } = new AbortController();
  for (let after: ChunkId | undefined; ; ) {
    const page = await store.list(after, PAGE_COPIES);
    for (const { id } of page) held.set(id, await store.verify(id, signal));
    after = page.at(-1)?.id;
    if (page.length < PAGE_COPIES) return held;
  }
}
