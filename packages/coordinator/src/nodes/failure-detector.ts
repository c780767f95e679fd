import type { NodeEvent } from "./node-state.ts";

/** How long a node may be silent. */
export interface SilenceLimits {
  /** After this long it is suspect: read from last, not written to. */
  readonly suspectAfterMs: number;
  /** After this long it is dead: its copies no longer count. */
  readonly deadAfterMs: number;
}

/** What a node's silence amounts to now; `heard` while it is within the limits. Pure. */
export function judgeSilence(
  silence: { readonly heardAtMs: number; readonly nowMs: number },
  limits: SilenceLimits,
): Exclude<NodeEvent, "registered"> {
  const silentMs = silence.nowMs - silence.heardAtMs;
  if (silentMs >= limits.deadAfterMs) return "lost";
  return silentMs >= limits.suspectAfterMs ? "late" : "heard";
}
