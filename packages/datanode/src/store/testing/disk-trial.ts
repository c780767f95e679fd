import type { Clock } from "@cairnfs/base/clock";
import { Prng } from "@cairnfs/base/random";
import { silentLogger } from "@cairnfs/base/telemetry";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import type { StoreOnTrial, TrialOptions } from "../chunk-store.contract.ts";
import type { ChunkStore } from "../chunk-store.ts";
import type { StoreParts } from "../file/file-chunk-store.ts";
import { Quarantine } from "../quarantine.ts";
import { SpaceLedger, type SpaceOptions } from "../space-ledger.ts";

/** How a store on a disk is opened for a test. */
export type OpenOnDisk = (folder: string, parts: StoreParts) => Promise<ChunkStore>;

export const TRIAL_FOLDER = "/data";

/** What a store on `disk` is handed in tests. */
export function partsFor(disk: FaultDisk, clock: Clock, space: SpaceOptions = {}): StoreParts {
  const measure = () => disk.space(TRIAL_FOLDER);
  const ledger = new SpaceLedger(measure, clock, { reserveBytes: 0, ...space });
  const quarantine = new Quarantine(`${TRIAL_FOLDER}/quarantine`, { disk, clock, ledger });
  return { disk, clock, logger: silentLogger, ledger, quarantine };
}

/** A disk with the folder in which `partsFor` has stores be. */
export async function diskForStore(seed: number): Promise<FaultDisk> {
  const disk = new FaultDisk(new Prng(seed));
  await disk.makeFolder(TRIAL_FOLDER);
  await disk.syncFolder("/");
  return disk;
}

/** A store on a FaultDisk without faults; `findData` says where the bytes of a copy lie. */
export async function diskTrial(
  open: OpenOnDisk,
  findData: (disk: FaultDisk, id: ChunkId) => { readonly path: string; readonly position: number },
  options: TrialOptions = {},
): Promise<StoreOnTrial> {
  const disk = await diskForStore(1);
  const clock = new SimClock();
  let store = await open(TRIAL_FOLDER, partsFor(disk, clock, options));
  return {
    store,
    clock,
    rot: async (id, offsetBytes) => {
      const { path, position } = findData(disk, id);
      disk.flipBit(path, (position + offsetBytes) * 8);
    },
    reopen: async () => {
      await store.close();
      store = await open(TRIAL_FOLDER, partsFor(disk, clock, options));
      return store;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}
