/** What a process that runs seeds is told. */
export interface SeedOrder {
  readonly seeds: readonly number[];
  readonly profile: string | undefined;
}

/** What it says of each seed. */
export interface SeedResult {
  readonly seed: number;
  readonly profile: string;
  readonly problems: readonly string[];
  readonly events: number;
  readonly isUndecided: boolean;
}
