import type { FaultAction } from "./fault.ts";

/** How much of which trouble a run has. */
export interface Profile {
  /** At most so many faults. */
  readonly faultsMax: number;
  /** How often each kind is chosen, by weight. */
  readonly weights: Readonly<Partial<Record<FaultAction["kind"], number>>>;
  /** How often each method is chosen by faults that wait for a request; as often as usual unless given. */
  readonly methods?: Readonly<Record<string, number>>;
  /** Clients put the same few bytes again and again, and let go of them in between. */
  readonly isReusing?: boolean;
  readonly hasClockDrift: boolean;
  /** So many of all runs have disks that are nearly full. */
  readonly smallDiskShare: number;
}

const NETWORK = { block: 4, isolate: 2, slowLink: 2, drop: 4, holdRequest: 6 } as const;
const CRASHES = {
  kill: 8,
  stop: 1,
  freeze: 2,
  killClient: 2,
  slowCommits: 1,
  killAtRequest: 8,
} as const;
const DISKS = { stallDisk: 2, failDisk: 3, fillDisk: 2, rot: 4, loseDisk: 2, kill: 2 } as const;
const CLOCKS = { jumpClock: 5, freeze: 2, kill: 1 } as const;

const MEMBERS = {
  drain: 6,
  join: 2,
  loseDisk: 1,
  kill: 2,
  freeze: 1,
  holdRequest: 6,
  slowCommits: 1,
} as const;

export const PROFILES: Readonly<Record<string, Profile>> = {
  calm: { faultsMax: 0, weights: {}, hasClockDrift: false, smallDiskShare: 0 },
  network: { faultsMax: 8, weights: NETWORK, hasClockDrift: false, smallDiskShare: 0 },
  crashes: { faultsMax: 6, weights: CRASHES, hasClockDrift: false, smallDiskShare: 0 },
  disks: { faultsMax: 6, weights: DISKS, hasClockDrift: false, smallDiskShare: 0.2 },
  clocks: { faultsMax: 6, weights: CLOCKS, hasClockDrift: true, smallDiskShare: 0 },
  members: { faultsMax: 5, weights: MEMBERS, hasClockDrift: false, smallDiskShare: 0 },
  reuse: {
    faultsMax: 9,
    weights: { holdRequest: 10, slowCommits: 2, freeze: 1, killAtRequest: 2, block: 1 },
    methods: { PutFile: 4, PutChunk: 3, DeleteChunks: 6, HasChunks: 1, AddChunks: 1 },
    isReusing: true,
    hasClockDrift: false,
    smallDiskShare: 0,
  },
  everything: {
    faultsMax: 10,
    weights: { ...MEMBERS, ...NETWORK, ...CRASHES, ...DISKS, ...CLOCKS, kill: 8 },
    hasClockDrift: true,
    smallDiskShare: 0.1,
  },
};

/** What a seed runs under when no profile is named. */
export const MIXED: Readonly<Record<string, number>> = {
  calm: 2,
  network: 2,
  crashes: 3,
  disks: 2,
  clocks: 1,
  members: 2,
  reuse: 2,
  everything: 4,
};
