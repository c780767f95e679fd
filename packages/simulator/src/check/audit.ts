import { chunks } from "@cairnfs/coordinator/keyspace";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { readStorage } from "../kv/sim-kv.ts";
import type { World } from "../world/world.ts";
import { liveNodes } from "./check-quiet.ts";

/**
 * Compares the records of this moment with what the nodes that are up hold: a copy that is recorded as proved is there. Nodes
 * whose disks may lose or hide what they had are left out. Takes no virtual time.
 */
export async function auditCopies(world: World, frailHosts: ReadonlySet<string>): Promise<void> {
  const nodes = liveNodes(world);
  const named: { readonly id: ChunkId; readonly host: string }[] = [];
  await readStorage(world.storage, async (reader) => {
    for await (const { key, value } of chunks.scan(reader, { limit: 1_000 })) {
      if (value.state !== "live" && value.state !== "garbage") continue;
      for (const number of value.nodeNumbers) {
        const host = nodes.get(number);
        if (host !== undefined && !frailHosts.has(host)) named.push({ id: key, host });
      }
    }
  });
  for (const { id, host } of named) {
    if (await isHeld(world, host, id)) continue;
    world.problems.add(
      `lost: ${host} does not hold ${id}, of which it is recorded to have proved a copy`,
    );
  }
}

async function isHeld(world: World, host: string, id: ChunkId): Promise<boolean> {
  const isPacked = world.shape.store === "segment";
  // Chunks of this length are looked for in memory only.
  if (isPacked && (await world.stores.get(host)?.info(id, 1)) !== undefined) return true;
  return world
    .machine(host)
    .disk.paths()
    .some((path) => path.startsWith("/data/chunks/") && path.endsWith(id));
}
