import {
  type CheckClusterResponse,
  CheckOutcome,
  type CheckFinding as FindingMessage,
} from "@cairnfs/protocol/gen/cairn/v1/check_pb";
import { withCallerSignal } from "./abort.ts";
import type { CallerOptions } from "./client-options.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import { count } from "./entry.ts";

export interface CheckOptions extends CallerOptions {
  /** Only whether the files at or below this path can be read. */
  readonly path?: string | undefined;
  /** Mend what can be mended. */
  readonly repair?: boolean | undefined;
}

/** One thing that is not as it should be. docs/operating/fsck.md has all kinds. */
export interface CheckFinding {
  readonly kind: string;
  /** lost, wrong, waste or note. */
  readonly severity: string;
  readonly subject: string;
  readonly message: string;
  /** What a repair does, or what else there is to do. */
  readonly mending: string;
  readonly isMendable: boolean;
  /** `changed` when it had changed by the time it was to be mended: a further check will tell. */
  readonly outcome: "told" | "mended" | "changed";
}

/** What a check says on its way; the summary is the last. */
export type CheckEvent =
  | {
      readonly type: "progress";
      readonly stage: string;
      readonly stagesDone: number;
      readonly stages: number;
      readonly rows: number;
    }
  | ({ readonly type: "finding" } & CheckFinding)
  | {
      readonly type: "summary";
      readonly findings: number;
      readonly mended: number;
      readonly rows: number;
    };

/** Runs a check and gives what it says. A check whose connection breaks fails, and is to be begun again. */
export async function* checkCluster(
  link: CoordinatorLink,
  { path = "", repair = false, signal }: CheckOptions,
): AsyncGenerator<CheckEvent, void, undefined> {
  const { client } = link.current();
  const replies = client.check
    .checkCluster({ path, repair }, { signal, metadata: link.metadata(false) })
    [Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await withCallerSignal(signal, () => replies.next());
      if (next.done === true) return;
      const event = eventFromWire(next.value);
      if (event !== undefined) yield event;
    }
  } finally {
    await replies.return?.();
  }
}

function eventFromWire({
  progress,
  finding,
  summary,
}: CheckClusterResponse): CheckEvent | undefined {
  if (finding !== undefined) return { type: "finding", ...findingFromWire(finding) };
  if (summary !== undefined) {
    return {
      type: "summary",
      findings: count(summary.findings),
      mended: count(summary.mended),
      rows: count(summary.rows),
    };
  }
  if (progress === undefined) return undefined;
  const { stage, stagesDone, stages, rows } = progress;
  return { type: "progress", stage, stagesDone, stages, rows: count(rows) };
}

const OUTCOMES: Partial<Record<CheckOutcome, CheckFinding["outcome"]>> = {
  [CheckOutcome.MENDED]: "mended",
  [CheckOutcome.CHANGED]: "changed",
};

function findingFromWire(finding: FindingMessage): CheckFinding {
  const { kind, severity, subject, message, mending, isMendable } = finding;
  const outcome = OUTCOMES[finding.outcome] ?? "told";
  return { kind, severity, subject, message, mending, isMendable, outcome };
}
