import { BackgroundWork } from "@cairnfs/base/background-work";
import { wokenBy } from "@cairnfs/base/bell";
import { closing, type Lifecycle } from "@cairnfs/base/lifecycle";
import type { CoordinatorConfig } from "./config.ts";
import type { CoordinatorParts } from "./coordinator-parts.ts";
import { SilenceWorker } from "./nodes/silence-worker.ts";
import type { WiredParts } from "./wire-parts.ts";

/** Starts the work in the background, and tells it of what happens. It ends with `lifecycle`. */
export function startWork(
  lifecycle: Lifecycle,
  config: CoordinatorConfig,
  { kv, clock, random, telemetry }: CoordinatorParts,
  { nodes, healing, mover, namespace, removals, arrivals }: WiredParts,
): void {
  lifecycle.add(closing(() => Promise.all([healing.settled(), mover.settled()])));
  const work = lifecycle.add(new BackgroundWork({ clock, random, logger: telemetry.logger }));
  lifecycle.add(closing(() => healing.stop()));
  lifecycle.add(closing(nodes.onStateChange(() => mover.wake())));
  lifecycle.add(closing(nodes.onStateChange(() => arrivals.ring())));
  const onNode = (nodeNumber: number) => {
    const row = nodes.table.get(nodeNumber);
    if (row === undefined || row.liveness === "alive") namespace.noteNode(nodeNumber);
  };
  lifecycle.add(closing(nodes.onStateChange(onNode)));
  const silence = new SilenceWorker(nodes, clock, config);
  const trash = wokenBy(removals, namespace.trashWorker);
  const inventories = wokenBy(arrivals, namespace.inventories);
  lifecycle.add(closing(kv.onAppend(namespace.noteChange)));
  const reclaiming = namespace.workers.map((worker) => {
    const bell = namespace.bells.get(worker.name);
    return bell === undefined ? worker : wokenBy(bell, worker);
  });
  const workers = [silence, trash, inventories, ...reclaiming, ...healing.workers, mover];
  for (const worker of workers) work.start(worker);
}
