import { userChecks } from "../access/user-checks.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { bucketRowChecks, bucketsCheck } from "./buckets-check.ts";
import { chunkChecks, type KnownNodes } from "./chunk-checks.ts";
import { contentChecks } from "./content-checks.ts";
import { counterFindings } from "./counters-check.ts";
import { type Counting, countingFindings } from "./counting.ts";
import { directoriesCheck, type RunMutation } from "./directories-check.ts";
import { entryChecks } from "./entry-checks.ts";
import type { Found } from "./finding.ts";
import { indexChecks } from "./index-checks.ts";
import { multipartChecks } from "./multipart-checks.ts";
import { ownersCheck } from "./owners-check.ts";
import { referencesCheck } from "./references-check.ts";
import { versionChecks } from "./version-checks.ts";

export interface StoreCheckParts {
  readonly counting: Counting;
  /** Without it records are not asked which nodes they name. */
  readonly nodes: KnownNodes | undefined;
  readonly nowMs: () => number;
  readonly settings: Pick<
    NamespaceSettings,
    "contentGraceMs" | "chunkGraceMs" | "defaultReplicationFactor"
  >;
  readonly runMutation: RunMutation | undefined;
  /** Whether contents were found lost so far, and not mended: what may be left of them is not taken away. */
  readonly isLossKnown: () => boolean;
}

/** One part of a check and what it finds. */
export interface CheckStage {
  readonly name: string;
  run(): AsyncGenerator<Found, void, undefined>;
}

/** What a check of the metadata looks at, in an order in which what was mended is there for what comes later. */
export function storeStages(parts: StoreCheckParts): readonly CheckStage[] {
  const { counting, settings, nowMs, isLossKnown } = parts;
  const { kv } = counting;
  const isLive = parts.nodes && ((number: number) => parts.nodes?.isLive(number) === true);
  const rows = (name: string, checks: ReturnType<typeof entryChecks>): CheckStage => ({
    name,
    async *run() {
      for (const check of checks) yield* check.run(counting.paged, kv);
    },
  });
  return [
    rows("entries", entryChecks()),
    {
      name: "directories",
      run: () =>
        countingFindings(counting, directoriesCheck({ kv, runMutation: parts.runMutation })),
    },
    { name: "buckets", run: () => countingFindings(counting, bucketsCheck(kv)) },
    rows("versions", versionChecks()),
    rows("contents", contentChecks(settings, isLossKnown)),
    {
      name: "owners",
      run: () => countingFindings(counting, ownersCheck({ kv, nowMs, ...settings })),
    },
    rows("chunks", chunkChecks(parts.nodes)),
    {
      name: "references",
      run: () =>
        countingFindings(
          counting,
          referencesCheck({ kv, nowMs, isLive, isLossKnown, ...settings }),
        ),
    },
    rows("indexes", [
      ...indexChecks(),
      ...bucketRowChecks(),
      ...multipartChecks(),
      ...userChecks(),
    ]),
    { name: "counters", run: () => counterFindings(counting) },
  ];
}
