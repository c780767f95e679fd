import type { Clock } from "@cairnfs/base/clock";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import type { ChunkInventory } from "../gc/chunk-inventory.ts";
import type { Mutator } from "../namespace/mutator.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { type Path, parsePath } from "../namespace/path.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import type { KnownNodes } from "./chunk-checks.ts";
import { fileFindings, versionFileFindings } from "./files-check.ts";
import type { Finding, Found } from "./finding.ts";
import type { FindingKind } from "./finding-kinds.ts";
import { type NodesCheckParts, nodeFindings } from "./nodes-check.ts";
import { PAGE_ROWS, type Pace, pagedScanner, snapshotScanner } from "./scanner.ts";
import { type CheckStage, storeStages } from "./store-check.ts";

export interface CheckParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly mutator: Mutator;
  readonly settings: NamespaceSettings;
  readonly nodes: KnownNodes;
  readonly inventory: ChunkInventory;
  readonly verifier: ReplicaVerifier;
  readonly readmission: NodesCheckParts["readmission"];
  /** Hears that something was mended: a chunk may have fewer copies than before. */
  readonly onMended: () => void;
  /** After each page of rows; 0 does not pause at all. */
  readonly pauseMs: number;
  /** So many rows make a page; 1,000 unless given. */
  readonly pageRows?: number;
}

export interface CheckRequest {
  /** Whether the files at or below this path can be read; undefined for everything there is to check. */
  readonly path: Path | undefined;
  readonly repair: boolean;
}

/** What became of a finding: it was mended, only told, or had changed when it was to be mended. */
export type CheckOutcome = "mended" | "told" | "changed";

/** How far a check is, or what it found. */
export type CheckEvent =
  | {
      readonly kind: "progress";
      readonly stage: string;
      readonly stagesDone: number;
      readonly stages: number;
      /** Rows that were read since the beginning. */
      readonly rows: number;
    }
  | { readonly kind: "finding"; readonly finding: Finding; readonly outcome: CheckOutcome };

/** So often at least a check says how far it is, in findings or rows. */
const PROGRESS_MS = 500;

/**
 * Checks the records, what they say of each other and of what nodes hold, beside all other work. What is told was true of one
 * snapshot; what is mended is looked at again in the transaction that mends it.
 */
export async function* runCheck(
  parts: CheckParts,
  request: CheckRequest,
  signal: AbortSignal,
): AsyncGenerator<CheckEvent, void, undefined> {
  const { clock } = parts;
  let rows = 0;
  const pace: Pace = {
    clock,
    pauseMs: parts.pauseMs,
    pageRows: parts.pageRows ?? PAGE_ROWS,
    signal,
    onRows: (count) => {
      rows += count;
    },
  };
  let isLossKnown = false;
  const stages = stagesOf(parts, request, pace, () => isLossKnown);
  for (const [stagesDone, stage] of stages.entries()) {
    const progress = () =>
      ({ kind: "progress", stage: stage.name, stagesDone, stages: stages.length, rows }) as const;
    yield progress();
    let toldMs = clock.monotonicMs();
    for await (const found of stage.run()) {
      const told = await tell(found, request.repair);
      if (told !== undefined) {
        if (told.outcome === "mended") parts.onMended();
        isLossKnown ||= told.outcome !== "mended" && LOSSES.has(told.finding.kind);
        yield told;
      }
      if (clock.monotonicMs() - toldMs < PROGRESS_MS) continue;
      toldMs = clock.monotonicMs();
      yield progress();
    }
  }
}

type Telling = Extract<CheckEvent, { readonly kind: "finding" }>;

/** After these, chunks and rows that nobody refers to may be what is left of a file. */
const LOSSES: ReadonlySet<FindingKind> = new Set<FindingKind>([
  "contentMissing",
  "contentMapBroken",
  "entriesOrphaned",
]);

async function tell({ finding, mend }: Found, repair: boolean): Promise<Telling | undefined> {
  const outcome = repair && mend !== undefined ? await mend() : "told";
  // It was well when it was looked at again: somebody else has seen to it.
  return outcome === "well" ? undefined : { kind: "finding", finding, outcome };
}

function stagesOf(
  parts: CheckParts,
  request: CheckRequest,
  pace: Pace,
  isLossKnown: () => boolean,
): readonly CheckStage[] {
  const { kv, clock, mutator, nodes, settings } = parts;
  const { signal } = pace;
  const scanner = pagedScanner(kv, pace);
  const files = (path: Path): CheckStage => ({
    name: "files",
    run: () => fileFindings({ kv, scanner, nodes }, path),
  });
  if (request.path !== undefined) return [files(request.path)];
  const counting = {
    paged: scanner,
    exact: <T>(body: (exact: typeof scanner) => Promise<T>) =>
      kv.read((reader) => body(snapshotScanner(reader, pace))),
    kv,
  };
  return [
    ...storeStages({
      counting,
      nodes,
      settings,
      isLossKnown,
      nowMs: () => nowMsOf(clock),
      runMutation: (idsMax, body) => mutator.run(idsMax, body, signal),
    }),
    { name: "nodes", run: () => nodeFindings({ ...parts, scanner, signal }) },
    files(parsePath("/")),
    { name: "versions of files", run: () => versionFileFindings({ kv, scanner, nodes }) },
  ];
}
