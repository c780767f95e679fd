/** Something bad that happens to a world at a time. It is data, so that a plan can be cut. */
export type FaultAction =
  /** The process dies; with the host's power, what was not synced may be lost. */
  | {
      readonly kind: "kill";
      readonly host: string;
      readonly isPowerLost: boolean;
      readonly downMs: number;
    }
  /** The process is asked to stop, and is started again after it has. */
  | { readonly kind: "stop"; readonly host: string; readonly downMs: number }
  /** The process does nothing for a while, and then goes on as if nothing had been. */
  | { readonly kind: "freeze"; readonly host: string; readonly forMs: number }
  /** A client's process dies, and another takes up its work. */
  | { readonly kind: "killClient"; readonly host: string }
  | {
      readonly kind: "block";
      readonly from: string;
      readonly to: string;
      readonly isBothWays: boolean;
      readonly forMs: number;
    }
  | { readonly kind: "isolate"; readonly host: string; readonly forMs: number }
  | {
      readonly kind: "slowLink";
      readonly from: string;
      readonly to: string;
      readonly extraMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "drop"; readonly from: string; readonly to: string }
  | { readonly kind: "stallDisk"; readonly host: string; readonly forMs: number }
  | {
      readonly kind: "failDisk";
      readonly host: string;
      readonly code: "EIO" | "ENOSPC";
      readonly isWriteOnly: boolean;
      readonly forMs: number;
    }
  | { readonly kind: "fillDisk"; readonly host: string; readonly forMs: number }
  /** Bits rot in so many places. */
  | { readonly kind: "rot"; readonly host: string; readonly count: number; readonly chance: number }
  /** The node loses its disk and comes back with an empty one, as a new node. */
  | { readonly kind: "loseDisk"; readonly host: string; readonly downMs: number }
  /** The next request of this method is under way for so long; what comes behind it on its connection waits. */
  | { readonly kind: "holdRequest"; readonly method: string; readonly forMs: number }
  /** Whoever gets the next request of this method dies: as it comes, or with the answer ready and nobody told. */
  | {
      readonly kind: "killAtRequest";
      readonly method: string;
      readonly isAnswered: boolean;
      readonly isPowerLost: boolean;
      readonly downMs: number;
    }
  /** The operator drains the node, and takes it back later. */
  | { readonly kind: "drain"; readonly host: string; readonly forMs: number }
  /** The operator drains the node, and removes it if it is empty before the faults end. */
  | { readonly kind: "leave"; readonly host: string }
  /** One more node. */
  | { readonly kind: "join" }
  | { readonly kind: "jumpClock"; readonly host: string; readonly byMs: number }
  | { readonly kind: "slowCommits"; readonly commitMs: number; readonly forMs: number };

export interface PlannedFault {
  readonly id: number;
  readonly atMs: number;
  readonly action: FaultAction;
}

/** One line for a fault. */
export function faultLine({ id, atMs, action }: PlannedFault): string {
  const { kind, ...rest } = action;
  const words = Object.entries(rest).map(([name, value]) =>
    typeof value === "number" ? `${name}=${Math.round(value * 100) / 100}` : `${name}=${value}`,
  );
  return `!${id} at ${atMs.toFixed(1)} ms  ${kind} ${words.join(" ")}`;
}

/** The methods that faults wait for, at a coordinator and at datanodes, and how often each is chosen. */
export const METHODS = {
  PutFile: 6,
  BeginUpload: 1,
  AddChunks: 3,
  CommitUpload: 3,
  Rename: 2,
  Copy: 2,
  Remove: 3,
  MakeDirectory: 1,
  RestoreTrash: 1,
  Heartbeat: 1,
  PutChunk: 5,
  StoreChunk: 3,
  DeleteChunks: 6,
  ReplicateChunk: 3,
  VerifyChunk: 1,
  HasChunks: 2,
  ListChunks: 1,
} as const;
