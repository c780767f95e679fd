import type { Value } from "../world/contents.ts";

/** What a client can ask for. Paths of directories and of files are never the same. */
export type Action =
  /** The source takes so long between its parts. */
  | {
      readonly kind: "put";
      readonly path: string;
      readonly value: number;
      readonly stallMs: number;
    }
  /** The file is opened and read so much later. */
  | { readonly kind: "get"; readonly path: string; readonly lingerMs: number }
  | { readonly kind: "range"; readonly path: string; readonly from: number; readonly share: number }
  | { readonly kind: "stat"; readonly path: string }
  | { readonly kind: "list"; readonly path: string }
  | { readonly kind: "mkdir"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly to: string }
  | { readonly kind: "copy"; readonly path: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "removeTree"; readonly path: string }
  | { readonly kind: "restore"; readonly path: string }
  | { readonly kind: "emptyTrash"; readonly path: "/" };

export type ActionKind = Action["kind"];

/** One step of a client, after a pause. */
export interface PlannedOperation {
  readonly id: number;
  readonly client: string;
  readonly pauseMs: number;
  readonly action: Action;
}

/** How an operation ended, where its caller was told. */
export type KnownOutcome =
  | { readonly status: "ok"; readonly seen: string }
  /** The namespace said no: nothing was changed. */
  | { readonly status: "refused"; readonly reason: string };

/** How an operation ended, as its caller knows it. */
export type Outcome =
  | KnownOutcome
  /** It may have taken place, or may yet, or never. */
  | { readonly status: "unknown"; readonly reason: string };

/** One operation as it went. Positions count what clients began and heard of, in order. */
export interface HistoryEntry {
  readonly operation: PlannedOperation;
  readonly invokedAt: number;
  readonly invokedMs: number;
  /** Infinity when it never ended. */
  endedAt: number;
  endedMs: number;
  outcome: Outcome;
}

/** Whether the action changes nothing. */
export function isReading({ kind }: Action): boolean {
  return kind === "get" || kind === "range" || kind === "stat" || kind === "list";
}

/** The action in words. */
export function actionText(action: Action, values: readonly Value[]): string {
  switch (action.kind) {
    case "put":
      return `put ${action.path} v${action.value} (${values[action.value]?.sizeBytes} bytes)${action.stallMs > 0 ? ` with pauses of ${action.stallMs} ms` : ""}`;
    case "get":
      return `get ${action.path}${action.lingerMs > 0 ? ` ${action.lingerMs} ms later` : ""}`;
    case "rename":
    case "copy":
      return `${action.kind} ${action.path} ${action.to}`;
    case "range":
      return `range ${action.path} ${action.from.toFixed(2)}+${action.share.toFixed(2)}`;
    default:
      return `${action.kind} ${action.path}`;
  }
}

/** One line for what happened. */
export function historyLine(entry: HistoryEntry, values: readonly Value[]): string {
  const { operation, outcome, invokedMs, endedMs } = entry;
  const end = Number.isFinite(endedMs) ? `${endedMs.toFixed(1)}` : "never";
  const how = outcome.status === "ok" ? outcome.seen : `${outcome.status}: ${outcome.reason}`;
  const when = `${invokedMs.toFixed(1)}..${end} ms`;
  return `#${operation.id} ${operation.client} ${when}  ${actionText(operation.action, values)} -> ${how}`;
}
