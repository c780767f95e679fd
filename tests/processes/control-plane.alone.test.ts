import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "@cairnfs/base/testing/eventually";
import { ManagedProcess } from "@cairnfs/testkit/managed-process";
import { Swarm, type SwarmView } from "@cairnfs/testkit/swarm/swarm";
import { addCounts, emptyCounts, type SwarmCounts } from "@cairnfs/testkit/swarm/swarm-tally";
import { expect, test } from "vitest";

// Goal: what bench/control-plane.ts measures with thousands is right with a few hundred.
// Method: simulated datanodes, whose membership is the datanode's own code, against a coordinator process.
const CAIRN = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const NODES = 200;
const LOST = 20;
const WITHIN_MS = 60_000;

function startCoordinator(folder: string, address: string): Promise<ManagedProcess> {
  return ManagedProcess.start({
    name: "coordinator",
    arguments: [CAIRN, "coordinator", "--json"],
    environment: {
      CAIRN_ADDRESS: address,
      CAIRN_GRPC_ADDRESS: "",
      CAIRN_HTTP_ADDRESS: "",
      CAIRN_DATA_DIR: folder,
      CAIRN_HEARTBEAT_INTERVAL_MS: "500",
      CAIRN_SUSPECT_AFTER_MS: "3000",
      CAIRN_DEAD_AFTER_MS: "6000",
    },
    logFolder: join(process.env.CAIRN_TEST_LOGS ?? resolve("tests", ".logs"), "control-plane"),
  });
}

interface Wanted {
  readonly copies: number;
  readonly states: string;
  /** What is settled is of a later version than this. */
  readonly after: number;
}

/** Resolves when all copies of the node table are of one version and say the same; gives what was counted until then. */
async function settled(
  swarm: Swarm,
  { copies, states, after }: Wanted,
): Promise<SwarmCounts & { readonly version: number }> {
  let counts = emptyCounts();
  return eventually(async () => {
    const view: SwarmView = await swarm.look();
    counts = addCounts(counts, view.counts);
    const [version = 0, ...others] = new Set(view.tables.map((table) => table.version));
    expect(others).toEqual([]);
    expect(version).toBeGreaterThan(after);
    expect(view.tables.reduce((sum, table) => sum + table.copies, 0)).toBe(copies);
    expect(new Set(view.tables.map((table) => table.states))).toEqual(new Set([states]));
    return { ...counts, version };
  }, WITHIN_MS);
}

test("hundreds of nodes join at once, outlive their coordinator and hear of losses by small updates", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairnfs-control-"));
  let coordinator = await startCoordinator(folder, "127.0.0.1:0");
  try {
    const { address } = coordinator.ready;
    await using swarm = await Swarm.open({
      nodes: NODES,
      processes: 2,
      coordinatorAddress: address,
    });
    await swarm.start();
    const joined = await settled(swarm, {
      copies: NODES,
      states: `${NODES} healthy`,
      after: 0,
    });
    expect(joined.registrations).toBe(NODES);

    await coordinator.end("SIGKILL");
    coordinator = await startCoordinator(folder, address);
    const again = await settled(swarm, {
      copies: NODES,
      states: `${NODES} healthy`,
      after: joined.version,
    });
    // A new life of the coordinator has versions of its own, and still knows every node by its number.
    expect(again.registrations).toBe(0);
    expect(again.wholeTables).toBeGreaterThanOrEqual(NODES);

    await swarm.kill(LOST);
    const left = NODES - LOST;
    const heard = await settled(swarm, {
      copies: left,
      states: `${left} healthy, ${LOST} dead`,
      after: again.version,
    });
    expect(heard.wholeTables).toBe(0);
    expect(heard.failures).toBe(0);
    // Suspect and dead, for everybody.
    expect(heard.diffRows).toBeGreaterThanOrEqual(2 * LOST * left);
  } finally {
    await coordinator.end();
    await rm(folder, { recursive: true, force: true });
  }
}, 200_000);
