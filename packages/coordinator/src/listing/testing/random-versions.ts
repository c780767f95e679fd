import type { Random } from "@cairnfs/base/random";
import type { ModelVersion } from "./model-listing.ts";
import { nastyText } from "./nasty-text.ts";

/** Keys with versions in the tree and beside it, as a bucket with versioning has them. */
export function randomVersions(random: Random, keyCount: number): ModelVersion[] {
  const keys = new Set<string>();
  for (let at = 0; at < keyCount; at++) keys.add(`k${nastyText(random, 5)}`);
  const versions: ModelVersion[] = [];
  for (const key of keys) {
    const count = 1 + Math.floor(random.next() * 5);
    const nullAt = Math.floor(random.next() * count * 2);
    let sequence = 10 * count;
    for (let at = 0; at < count; at++) {
      const isMarker = random.next() < 0.3;
      const isInTree = at === 0 && !isMarker;
      const place = isInTree ? "tree" : isMarker ? "marker" : "kept";
      versions.push({ key, sequence, isNull: at === nullAt, place });
      sequence -= 1 + Math.floor(random.next() * 8);
    }
  }
  return versions;
}
