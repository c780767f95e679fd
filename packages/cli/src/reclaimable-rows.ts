import type { Reclaimable } from "@cairnfs/client/trash";
import { humanCount, humanIn } from "./format.ts";
import type { Column } from "./table.ts";

export const RECLAIMABLE_COLUMNS: readonly Column[] = [
  { title: "Will be free" },
  { title: "On disk", align: "right" },
  { title: "Of files", align: "right" },
  { title: "Items", align: "right" },
  { title: "From" },
  { title: "To" },
];

const TITLES: Readonly<Record<string, string>> = {
  removed: "removed, may be open",
  garbage: "garbage",
  uploads: "open uploads",
};

/** What will be free and when, a row for each stage at which something is. */
export function reclaimableRows(
  { trash, parts }: Reclaimable,
  quarantine: { readonly quarantinedCopies: number; readonly quarantinedBytes: number },
  nowMs: number,
  size: (sizeBytes: number) => string,
): readonly (readonly string[])[] {
  const when = (timeMs: number | undefined) =>
    timeMs === undefined ? "" : humanIn(timeMs - nowMs);
  const atLeast = (isPartial: boolean, text: string) => (isPartial ? `>= ${text}` : text);
  const rows: (readonly string[])[] = [];
  if (trash.items > 0) {
    const isPartial = trash.unsizedItems > 0;
    rows.push([
      "trash",
      atLeast(isPartial, size(trash.diskBytes)),
      atLeast(isPartial, size(trash.logicalBytes)),
      humanCount(trash.items),
      when(trash.nextDueMs),
      when(trash.lastDueMs),
    ]);
  }
  for (const part of parts) {
    if (part.items === 0) continue;
    rows.push([
      TITLES[part.name] ?? part.name,
      atLeast(part.isPartial, size(part.diskBytes)),
      atLeast(part.isPartial, size(part.logicalBytes)),
      humanCount(part.items),
      when(part.nextDueMs),
      when(part.lastDueMs),
    ]);
  }
  if (quarantine.quarantinedCopies > 0) {
    const { quarantinedCopies, quarantinedBytes } = quarantine;
    const when = "when chunks need the room";
    rows.push(["quarantine", size(quarantinedBytes), "", humanCount(quarantinedCopies), when, ""]);
  }
  return rows;
}
