import type { Action, Outcome } from "../history/operation.ts";
import type { Value } from "../world/contents.ts";

/** What is at each path: "d" for a directory, else the length of the file, which tells its value. */
export type ModelState = ReadonlyMap<string, string>;

export const EMPTY_STATE: ModelState = new Map();

/** The state's identity, for remembering it. */
export function stateKey(state: ModelState): string {
  return [...state]
    .map(([path, what]) => `${path}=${what}`)
    .sort()
    .join(";");
}

/** What a correct cluster answers in one state, and the state after it. */
export interface Verdict {
  readonly state: ModelState;
  /** What is seen, or why not. */
  readonly answer: string;
  readonly isRefused: boolean;
}

/** The namespace as simply as it can be said. */
export function perform(state: ModelState, action: Action, values: readonly Value[]): Verdict {
  const refused = (answer: string): Verdict => ({ state, answer, isRefused: true });
  const answered = (answer: string, next: ModelState = state): Verdict => ({
    state: next,
    answer,
    isRefused: false,
  });
  const { path } = action;
  if (!hasParent(state, path)) return refused("pathNotFound");
  const there = state.get(path);
  switch (action.kind) {
    case "put":
      return answered("done", withEntry(state, path, `${values[action.value]?.sizeBytes}`));
    case "mkdir":
      return there === undefined
        ? answered("done", withEntry(state, path, "d"))
        : refused("pathExists");
    case "list":
      if (path !== "/" && there === undefined) return refused("pathNotFound");
      return answered(listing(state, path));
    default:
  }
  if (there === undefined) return refused("pathNotFound");
  switch (action.kind) {
    case "get":
    case "range":
    case "stat":
      return answered(there);
    case "remove":
      if (there === "d" && below(state, path).length > 0) return refused("directoryNotEmpty");
      return answered("done", without(state, path));
    case "removeTree":
      return answered("done", without(state, path));
    case "rename":
    case "copy": {
      const { to } = action;
      if (!hasParent(state, to)) return refused("pathNotFound");
      if (there === "d" && state.has(to)) return refused("pathExists");
      const base = action.kind === "rename" ? without(state, path) : state;
      return answered("done", moved(state, base, path, to));
    }
  }
}

/** Whether the outcome is what a correct cluster could have said in this state. */
export function isAllowed(verdict: Verdict, outcome: Outcome): boolean {
  if (outcome.status === "unknown") return true;
  if (outcome.status === "refused") return verdict.isRefused && verdict.answer === outcome.reason;
  return !verdict.isRefused && verdict.answer === outcome.seen;
}

/** What a listing of the directory shows. */
export function listing(state: ModelState, path: string): string {
  const prefix = path === "/" ? "/" : `${path}/`;
  const rows: string[] = [];
  for (const [child, what] of state) {
    if (!child.startsWith(prefix) || child.indexOf("/", prefix.length) >= 0) continue;
    rows.push(`${child.slice(prefix.length)}=${what}`);
  }
  return `[${rows.sort().join(" ")}]`;
}

function hasParent(state: ModelState, path: string): boolean {
  const cut = path.lastIndexOf("/");
  return cut <= 0 || state.get(path.slice(0, cut)) === "d";
}

function below(state: ModelState, path: string): string[] {
  return [...state.keys()].filter((other) => other.startsWith(`${path}/`));
}

function withEntry(state: ModelState, path: string, what: string): ModelState {
  return new Map(state).set(path, what);
}

function without(state: ModelState, path: string): ModelState {
  const next = new Map(state);
  next.delete(path);
  for (const other of below(state, path)) next.delete(other);
  return next;
}

function moved(from: ModelState, base: ModelState, path: string, to: string): ModelState {
  const next = new Map(base);
  const there = from.get(path);
  if (there !== undefined) next.set(to, there);
  for (const child of below(from, path)) {
    next.set(to + child.slice(path.length), from.get(child) ?? "");
  }
  return next;
}
