import { setTimeout as pause } from "node:timers/promises";
import { type Prng, randomBelow } from "@cairnfs/base/random";
import type { HostNetwork } from "@cairnfs/testkit/hosts/host-network";
import type { LimitedDisk } from "@cairnfs/testkit/hosts/limited-disk";
import type { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { damageChunkFiles } from "../damage.ts";

export interface NemesisParts {
  readonly cluster: ProcessCluster;
  readonly network: HostNetwork;
  /** The disks that can be full, of the datanodes from 0 on. */
  readonly disks: readonly LimitedDisk[];
  /** The one datanode whose files are damaged: two copies of everything stay out of reach of that. */
  readonly damagedIndex: number;
  readonly random: Prng;
}

/** Makes something go wrong; resolves with what puts it right again, if that is to be done. */
type Fault = () => Promise<(() => Promise<void>) | undefined>;
type NamedFault = readonly [name: string, fault: Fault];

const LASTS_MS_MIN = 500;
const LASTS_MS_MAX = 8_000;
const CALM_MS_MAX = 1_500;

/**
 * Does harm to a cluster of processes, each for some seconds, and counts it by name: one harm after the other to processes, and
 * beside them one after the other to network and disks.
 */
export class Nemesis {
  readonly done = new Map<string, number>();
  readonly #parts: NemesisParts;

  constructor(parts: NemesisParts) {
    this.#parts = parts;
  }

  /** Goes on until `over` fires, and ends with nothing wrong any more, but for what was damaged. */
  async run(over: AbortSignal): Promise<void> {
    await Promise.all([
      this.#harm(this.#processFaults(), over),
      this.#harm([...this.#networkFaults(), ...this.#diskFaults()], over),
    ]);
  }

  async #harm(faults: readonly NamedFault[], over: AbortSignal): Promise<void> {
    const { random } = this.#parts;
    while (!over.aborted) {
      const [name, fault] = at(faults, randomBelow(random, faults.length));
      this.done.set(name, (this.done.get(name) ?? 0) + 1);
      const putRight = await fault();
      if (putRight !== undefined) {
        const lastsMs = LASTS_MS_MIN + randomBelow(random, LASTS_MS_MAX - LASTS_MS_MIN);
        await pause(lastsMs, undefined, { signal: over }).catch(() => undefined);
        await putRight();
      }
      await pause(randomBelow(random, CALM_MS_MAX));
    }
  }

  #processFaults(): NamedFault[] {
    const { cluster } = this.#parts;
    return [
      ["datanode killed", () => this.#killDatanode()],
      [
        "datanode killed and at once started",
        async () => {
          const putRight = await this.#killDatanode();
          await putRight();
          return undefined;
        },
      ],
      [
        "datanode stopped",
        async () => {
          const node = cluster.datanode(this.#anyNode());
          node.signal("SIGSTOP");
          return async () => node.signal("SIGCONT");
        },
      ],
      [
        "coordinator killed",
        async () => {
          await cluster.coordinator.end();
          return () => cluster.restartCoordinator();
        },
      ],
      [
        "coordinator stopped",
        async () => {
          const { coordinator } = cluster;
          coordinator.signal("SIGSTOP");
          return async () => coordinator.signal("SIGCONT");
        },
      ],
    ];
  }

  #networkFaults(): NamedFault[] {
    const { network } = this.#parts;
    const coordinator = network.host(0);
    const node = () => network.host(1 + this.#anyNode());
    const cut =
      (...pairs: readonly (readonly [from: typeof coordinator, to: typeof coordinator])[]) =>
      async () => {
        for (const [from, to] of pairs) if (from !== to) await network.cut(from, to);
        return () => network.heal();
      };
    return [
      ["node not heard by the coordinator", () => cut([node(), coordinator])()],
      ["coordinator not heard by a node", () => cut([coordinator, node()])()],
      ["node not heard by another", () => cut([node(), node()])()],
      ["client not heard by a node", () => cut([network.self, node()])()],
      ["client not heard by the coordinator", () => cut([network.self, coordinator])()],
      [
        "node cut off from all",
        () => {
          const alone = node();
          const others = [network.self, ...network.hosts];
          return cut(
            ...others.flatMap((other) => [[alone, other] as const, [other, alone] as const]),
          )();
        },
      ],
      [
        "two halves",
        () => {
          const nodes = network.hosts.slice(1);
          const half = nodes.filter((_, index) => index % 2 === randomBelow(this.#parts.random, 2));
          const rest = nodes.filter((host) => !half.includes(host));
          return cut(
            ...half.flatMap((one) =>
              rest.flatMap((other) => [[one, other] as const, [other, one] as const]),
            ),
          )();
        },
      ],
    ];
  }

  #diskFaults(): NamedFault[] {
    const { cluster, disks, damagedIndex, random } = this.#parts;
    const full = disks.map(
      (disk, index): NamedFault => [
        `disk of datanode ${index} full`,
        async () => {
          await disk.fill();
          return () => disk.drain();
        },
      ],
    );
    const damaged = (["truncate", "corrupt", "delete"] as const).map(
      (harm): NamedFault => [
        `chunk files: ${harm}`,
        async () => {
          await damageChunkFiles(cluster.dataDir(damagedIndex), harm, random);
          return undefined;
        },
      ],
    );
    return [...full, ...damaged];
  }

  async #killDatanode(): Promise<() => Promise<void>> {
    const { cluster } = this.#parts;
    const index = this.#anyNode();
    await cluster.datanode(index).end();
    return () => cluster.restartDatanode(index);
  }

  #anyNode(): number {
    return randomBelow(this.#parts.random, this.#parts.cluster.datanodes.length);
  }
}

function at(faults: readonly NamedFault[], index: number): NamedFault {
  const fault = faults[index];
  if (fault === undefined) throw new Error(`there is no fault ${index}`);
  return fault;
}
