import type { Candidate } from "./selector.ts";

/**
 * Of the nodes that hold copies of a chunk, the one whose copy is missed least: from the zone that has the most of
 * them, there from the rack that has the most, there the fullest. Pure; `undefined` when there is none.
 */
export function chooseLeaver(holders: readonly Candidate[]): number | undefined {
  const inZone = tally(holders, (holder) => holder.zone);
  const inRack = tally(holders, rackOf);
  const [first, ...others] = holders;
  let leaver = first;
  for (const holder of others) {
    if (leaver === undefined || rank(holder, leaver) > 0) leaver = holder;
  }
  return leaver?.nodeNumber;

  /** Above zero when `a` is missed less than `b`. */
  function rank(a: Candidate, b: Candidate): number {
    return (
      (inZone.get(a.zone) ?? 0) - (inZone.get(b.zone) ?? 0) ||
      (inRack.get(rackOf(a)) ?? 0) - (inRack.get(rackOf(b)) ?? 0) ||
      fullness(a) - fullness(b) ||
      b.nodeNumber - a.nodeNumber
    );
  }
}

function tally(
  holders: readonly Candidate[],
  groupOf: (holder: Candidate) => string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const holder of holders) {
    const group = groupOf(holder);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}

function rackOf(holder: Candidate): string {
  return `${holder.zone}\0${holder.rack}`;
}

function fullness(holder: Candidate): number {
  if (holder.capacityBytes === 0) return 1;
  return 1 - holder.availableBytes / holder.capacityBytes;
}
