import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import {
  type CheckClusterResponseSchema,
  CheckOutcome,
  type CheckService,
} from "@cairnfs/protocol/gen/cairn/v1/check_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { Finding } from "../check/finding.ts";
import { FINDING_KINDS } from "../check/finding-kinds.ts";
import { type CheckParts, type CheckOutcome as Outcome, runCheck } from "../check/run-check.ts";
import { parseLenientPath } from "../namespace/path.ts";

export type CheckHandlers = ServiceHandlers<typeof CheckService>;

type Response = MessageInitShape<typeof CheckClusterResponseSchema>;

const OUTCOMES: Readonly<Record<Outcome, CheckOutcome>> = {
  told: CheckOutcome.TOLD,
  mended: CheckOutcome.MENDED,
  changed: CheckOutcome.CHANGED,
};

/** Answers checks, one at a time: each reads much, and two that mend would count the same twice. */
export function checkHandlers(parts: CheckParts): CheckHandlers {
  let isRunning = false;
  return {
    async *checkCluster(request, call): AsyncGenerator<Response, void, undefined> {
      const path = request.path === "" ? undefined : parseLenientPath(request.path);
      if (isRunning) throw new CairnError("overloaded", "another check is under way");
      isRunning = true;
      try {
        yield* answers(parts, { path, repair: request.repair }, call.signal);
      } finally {
        isRunning = false;
      }
    },
  };
}

async function* answers(
  parts: CheckParts,
  request: Parameters<typeof runCheck>[1],
  signal: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  let findings = 0;
  let mended = 0;
  let rows = 0;
  for await (const event of runCheck(parts, request, signal)) {
    if (event.kind === "progress") {
      const { stage, stagesDone, stages } = event;
      rows = event.rows;
      yield { progress: { stage, stagesDone, stages, rows: BigInt(rows) } };
    } else {
      findings += 1;
      mended += Number(event.outcome === "mended");
      yield { finding: findingMessage(event.finding, event.outcome) };
    }
  }
  yield {
    summary: { findings: BigInt(findings), mended: BigInt(mended), rows: BigInt(rows) },
  };
}

function findingMessage(finding: Finding, outcome: Outcome): Response["finding"] {
  const { severity, mending, isMended } = FINDING_KINDS[finding.kind];
  return { ...finding, severity, mending, isMendable: isMended, outcome: OUTCOMES[outcome] };
}
