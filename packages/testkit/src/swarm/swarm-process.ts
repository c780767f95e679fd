/**
 * Many simulated datanodes in one process, started by `Swarm`, which tells it what to do over the channel that Node
 * opens to a forked process. Orders are answered in turn.
 */
import { assert } from "@cairnfs/base/assert";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { SharedRows } from "./shared-rows.ts";
import { SimulatedNode } from "./simulated-node.ts";
import type { SwarmOrder, SwarmReply, TableSummary } from "./swarm-orders.ts";
import { SwarmTally } from "./swarm-tally.ts";

const clock = new SystemClock();
const parts = {
  clock,
  network: new FramedNetwork({ clock }),
  random: new SystemRandom(),
  disk: new RealDisk(),
  rows: new SharedRows(),
  tally: new SwarmTally(),
};
const STARTS_AT_ONCE = 16;
const nodes: SimulatedNode[] = [];

async function obey(order: SwarmOrder): Promise<SwarmReply> {
  switch (order.do) {
    case "open":
      for (let at = order.from; at < order.to; at++) {
        nodes.push(
          await SimulatedNode.open(parts, {
            coordinatorAddress: order.coordinatorAddress,
            // All of 127/8 is this machine: each node has an address of its own.
            address: `127.${1 + (at >>> 14)}.${(at >>> 7) & 127}.${1 + (at & 127)}:0`,
            zone: `zone-${at % 3}`,
            rack: `rack-${at % 60}`,
          }),
        );
      }
      break;
    case "start":
      for (const [at, node] of nodes.entries()) {
        node.start();
        // Each would be a process of its own: what one has under way is not held up by all the others' beginnings.
        if (at % STARTS_AT_ONCE === 0) await clock.sleep(1);
      }
      break;
    case "kill": {
      const killed = nodes.splice(0, order.count);
      await Promise.all(killed.map((node) => node.close()));
      break;
    }
    case "look":
      break;
  }
  return { counts: parts.tally.take(), tables: summaries(), memory: process.memoryUsage().rss };
}

/** The copies of the node table, told apart by version and size; those with the same version must be the same. */
function summaries(): TableSummary[] {
  const found = new Map<string, TableSummary & { copies: number }>();
  const statesOf = new Map<number, string>();
  for (const { version, nodes: cache } of nodes) {
    let states = statesOf.get(version);
    if (states === undefined) {
      // While there are many versions nobody is interested in what each says.
      states = statesOf.size < 4 ? statesIn(cache.snapshot().nodes) : "";
      statesOf.set(version, states);
    }
    const key = `${version} ${cache.size}`;
    const summary = found.get(key);
    if (summary === undefined) found.set(key, { version, rows: cache.size, states, copies: 1 });
    else summary.copies += 1;
  }
  return [...found.values()];
}

function statesIn(rows: readonly { readonly state: NodeState }[]): string {
  const counts = new Map<string, number>();
  for (const { state } of rows) {
    const name = STATE_NAMES.get(state) ?? "unknown";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]);
  return most.map(([name, times]) => `${times} ${name}`).join(", ");
}

const STATE_NAMES = new Map<number, string>(
  Object.entries(NodeState).map(([name, code]) => [code, name.toLowerCase()]),
);

let turn: Promise<void> = Promise.resolve();
process.on("message", (order: SwarmOrder) => {
  turn = turn.then(async () => {
    const reply = await obey(order);
    process.send?.(reply);
  });
});
// Whoever started it is gone.
process.on("disconnect", () => process.exit(0));
assert(process.send !== undefined, "a swarm process is forked");
