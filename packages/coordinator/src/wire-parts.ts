import { Bell } from "@cairnfs/base/bell";
import type { Lifecycle } from "@cairnfs/base/lifecycle";
import { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { CoordinatorConfig } from "./config.ts";
import type { CoordinatorParts } from "./coordinator-parts.ts";
import { openLedger } from "./healing/ledger-state.ts";
import { NodeCalls } from "./healing/node-calls.ts";
import { NodeChunkDeleter } from "./healing/node-chunk-deleter.ts";
import { NodeChunkInventory } from "./healing/node-chunk-inventory.ts";
import { openHealing } from "./healing/open-healing.ts";
import { openIdentity } from "./identity.ts";
import { openMoving } from "./moving/open-moving.ts";
import { DEFAULT_NAMESPACE_SETTINGS } from "./namespace/settings.ts";
import { ClusterPlacements } from "./nodes/cluster-placements.ts";
import { knownNumbers } from "./nodes/node-store.ts";
import { openNodes } from "./nodes/open-nodes.ts";
import { PlacementTimes } from "./nodes/placement-times.ts";
import { loadSelector } from "./placement/load-selector.ts";
import { ScrubBoard } from "./scrub/scrub-board.ts";
import { ScrubOrders } from "./scrub/scrub-orders.ts";
import { openNamespace } from "./services/open-namespace.ts";

/** The parts of a coordinator, put together. */
export type WiredParts = Awaited<ReturnType<typeof wireParts>>;

/** Puts the parts together, in the order in which they build on each other; nothing runs yet. */
export async function wireParts(
  lifecycle: Lifecycle,
  config: CoordinatorConfig,
  parts: CoordinatorParts,
) {
  const { kv, network, clock, random, telemetry } = parts;
  const selector = await loadSelector(config.placement, process.cwd());
  const identity = await openIdentity(kv, random);
  const pool = lifecycle.add(
    new NodePool(network, {
      clock,
      random,
      timeoutMs: config.nodeTimeoutMs,
      interceptors: parts.clientInterceptors,
    }),
  );

  // Who is there, and who gets which chunk.
  const ledger = await openLedger(kv);
  const nodes = await openNodes(config, parts, { identity, pool, ledger });
  const times = new PlacementTimes(clock, nodes.table.rows());
  const placements = new ClusterPlacements(nodes, selector, times);
  const calls = new NodeCalls(pool, nodes.table);

  // Who keeps as many copies as are wanted.
  const onSurplus = () => mover.walkAgain();
  const healing = openHealing({ ...parts, nodes, placements, calls, ledger, config, onSurplus });

  // The tree, uploads and reads.
  const removals = new Bell(clock);
  const arrivals = new Bell(clock);
  const namespace = await openNamespace({
    kv,
    clock,
    random,
    ...telemetry,
    settings: {
      ...DEFAULT_NAMESPACE_SETTINGS,
      ...config,
      inlineBytesMax: config.inlineLimitBytes,
    },
    nodes: placements,
    deleter: new NodeChunkDeleter(calls),
    inventory: new NodeChunkInventory(calls, nodes.table),
    onRemove: () => removals.ring(),
    onCompareSoon: () => arrivals.ring(),
    badReplicas: healing.badReplicas,
    onSurplus,
    readmission: healing.readmission,
    verifier: healing.verifier,
    onMended: () => healing.repair.wakeForDebt(),
    knownNodes: { isKnown: knownNumbers(), isLive: (number) => placements.isLive(number) },
  });

  // Who moves copies between nodes.
  const mover = openMoving({ ...parts, nodes, times, placements, ...healing }, config);

  // Who is asked to read all copies, and how far they are.
  const { table } = nodes;
  const orders = await ScrubOrders.open(kv, clock);
  const board = new ScrubBoard({ orders, table, clock });

  return {
    identity,
    nodes,
    placements,
    calls,
    healing,
    mover,
    namespace,
    removals,
    arrivals,
    scrub: { orders, board, table, inventories: namespace.inventories },
  };
}
