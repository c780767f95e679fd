import type { SwarmCounts } from "./swarm-tally.ts";

/** What a swarm process can be told to do. */
export type SwarmOrder =
  | {
      readonly do: "open";
      readonly from: number;
      readonly to: number;
      readonly coordinatorAddress: string;
    }
  | { readonly do: "start" }
  /** So many of its nodes fall silent at once. */
  | { readonly do: "kill"; readonly count: number }
  | { readonly do: "look" };

/** Copies of the node table that are the same. */
export interface TableSummary {
  readonly version: number;
  readonly rows: number;
  /** How many nodes are in which state, as text. */
  readonly states: string;
  readonly copies: number;
}

/** What a swarm process answers to every order. */
export interface SwarmReply {
  /** Since the last answer. */
  readonly counts: SwarmCounts;
  readonly tables: readonly TableSummary[];
  readonly memory: number;
}
