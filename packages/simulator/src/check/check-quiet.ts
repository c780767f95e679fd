import { readCounters } from "@cairnfs/coordinator/counters";
import { chunks, drops } from "@cairnfs/coordinator/keyspace";
import { checkInvariants } from "@cairnfs/coordinator/namespace/check-invariants";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { readStorage } from "../kv/sim-kv.ts";
import type { Operator } from "../world/operator.ts";
import type { World } from "../world/world.ts";

/** How much may be left of what grows with work, when there is no work. */
const TIMERS_MAX = 200;
const CONNECTIONS_MAX = 400;
const ROWS_MAX = 1_500;

/** What is still to be done in a world; undefined when nothing is. */
export async function workLeft(world: World, operator: Operator): Promise<string | undefined> {
  const missing = world.nodes.filter((machine) => !world.datanodes.has(machine.host));
  if (missing.length > 0) return `${missing.map(({ host }) => host).join(", ")} is not up`;
  return (await recordedWork(world)) ?? (await unrecordedCopies(world, operator));
}

/** Work that the records speak of. */
function recordedWork(world: World): Promise<string | undefined> {
  return readStorage(world.storage, async (reader) => {
    const counters = await readCounters(reader);
    if (counters.debtChunks > 0) return `${counters.debtChunks} chunks are in debt`;
    if (counters.garbageChunks > 0) return `${counters.garbageChunks} chunks are garbage`;
    if (counters.openUploads > 0) return `${counters.openUploads} uploads are open`;
    const live = liveNodes(world);
    for await (const { key, value } of chunks.scan(reader, { limit: 100 })) {
      if (value.state !== "live") return `chunk ${key} is ${value.state}`;
      const { nodeNumbers, wantedCopies } = value;
      if (nodeNumbers.some((number) => !live.has(number))) {
        return `chunk ${key} is recorded at a node that is not there`;
      }
      if (nodeNumbers.length !== wantedCopies) {
        return `chunk ${key} has ${nodeNumbers.length} copies, not ${wantedCopies}`;
      }
    }
    for await (const { key } of drops.scan(reader, { limit: 1 })) {
      return `node ${key[0]} has to drop a copy`;
    }
    return undefined;
  });
}

/** Copies that a node holds and no record names there, or the other way round. */
async function unrecordedCopies(world: World, operator: Operator): Promise<string | undefined> {
  const recorded = await recordedCopies(world);
  for (const [number, host] of liveNodes(world)) {
    const answer = await operator.heldAt(world.machine(host));
    if (answer === undefined) return `${host} does not say what it holds`;
    const held = new Set(answer);
    const wanted = recorded.get(number) ?? new Set();
    for (const id of held)
      if (!wanted.has(id)) return `${host} holds ${id}, which is not recorded there`;
    for (const id of wanted)
      if (!held.has(id)) return `${host} does not hold ${id}, which is recorded there`;
  }
  return undefined;
}

/** The chunks that each node is recorded to hold. */
export async function recordedCopies(world: World): Promise<Map<number, Set<ChunkId>>> {
  const recorded = new Map<number, Set<ChunkId>>();
  await readStorage(world.storage, async (reader) => {
    for await (const { key, value } of chunks.scan(reader, { limit: 1_000 })) {
      for (const number of value.nodeNumbers) {
        recorded.set(number, (recorded.get(number) ?? new Set()).add(key));
      }
    }
  });
  return recorded;
}

/** The hosts of the nodes that are there, by their numbers. */
export function liveNodes(world: World): Map<number, string> {
  const live = new Map<number, string>();
  for (const [host, datanode] of world.datanodes) {
    const { nodeNumber } = datanode;
    if (nodeNumber !== undefined) live.set(nodeNumber, host);
  }
  return live;
}

/** Looks at the records of a quiet world, and at what its processes keep. */
export async function checkQuiet(world: World): Promise<void> {
  const violations = await readStorage(world.storage, checkInvariants);
  for (const violation of violations) world.problems.add(`invariant: ${violation}`);
  for (const { host, process } of world.servers) {
    const timers = process?.timers ?? 0;
    if (timers > TIMERS_MAX) world.problems.add(`${host} has ${timers} timers with nothing to do`);
  }
  const rows = world.storage.map.size;
  if (rows > ROWS_MAX) world.problems.add(`the metadata has ${rows} rows after so little work`);
  const { connections } = world.network;
  if (connections > CONNECTIONS_MAX) {
    world.problems.add(`${connections} connections are open with nothing to do`);
  }
}
