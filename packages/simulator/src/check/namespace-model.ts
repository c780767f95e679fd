import type { Action, KnownOutcome } from "../history/operation.ts";
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

/** What the model has to know of a world. */
export interface ModelRules {
  readonly values: readonly Value[];
  /** What is removed can be restored. */
  readonly hasTrash: boolean;
}

/** The namespace as simply as it can be said. */
export function perform(state: ModelState, action: Action, rules: ModelRules): Verdict {
  const { path } = action;
  switch (action.kind) {
    case "restore":
      return restored(state, path);
    case "emptyTrash":
      return answered("done", new Map([...state].filter(([key]) => !key.startsWith(TRASH))));
    case "list": {
      const isThere = path === "/" || state.get(path) === "d";
      return isThere ? answered(listing(state, path), state) : refused(state, "pathNotFound");
    }
    default:
  }
  if (!hasParent(state, path)) return refused(state, "pathNotFound");
  const there = state.get(path);
  if (action.kind === "put") {
    return answered("done", withEntry(state, path, `${rules.values[action.value]?.sizeBytes}`));
  }
  if (action.kind === "mkdir") {
    if (there !== undefined) return refused(state, "pathExists");
    return answered("done", withEntry(state, path, "d"));
  }
  if (there === undefined) return refused(state, "pathNotFound");
  return performOn(state, there, action, rules);
}

function performOn(
  state: ModelState,
  there: string,
  action: Exclude<Action, { readonly kind: "put" | "mkdir" | "list" | "restore" | "emptyTrash" }>,
  { hasTrash }: ModelRules,
): Verdict {
  const { path } = action;
  switch (action.kind) {
    case "get":
    case "range":
    case "stat":
      return answered(there, state);
    case "remove":
    case "removeTree": {
      const isFull = there === "d" && below(state, path).length > 0;
      if (isFull && action.kind === "remove") return refused(state, "directoryNotEmpty");
      const next = without(state, path);
      return answered("done", hasTrash ? withTrash(next, state, path) : next);
    }
    case "rename":
    case "copy": {
      const { to } = action;
      if (!hasParent(state, to)) return refused(state, "pathNotFound");
      if (there === "d" && state.has(to)) return refused(state, "pathExists");
      const base = action.kind === "rename" ? without(state, path) : state;
      return answered("done", moved(state, base, path, to));
    }
  }
}

function refused(state: ModelState, answer: string): Verdict {
  return { state, answer, isRefused: true };
}

function answered(answer: string, state: ModelState): Verdict {
  return { state, answer, isRefused: false };
}

/** Items of the trash are kept under keys that no path is: the path they had, and which of that path they are. */
const TRASH = "~";

function withTrash(next: ModelState, before: ModelState, path: string): ModelState {
  const rows = [path, ...below(before, path)].map((key) => [
    key.slice(path.length),
    before.get(key) ?? "",
  ]);
  const last = newestInTrash(next, path);
  const number = last === undefined ? 0 : Number(last.slice(last.lastIndexOf(TRASH) + 1)) + 1;
  return withEntry(next, `${TRASH}${path}${TRASH}${number}`, JSON.stringify(rows));
}

function newestInTrash(state: ModelState, path: string): string | undefined {
  const prefix = `${TRASH}${path}${TRASH}`;
  const numberOf = (key: string) => Number(key.slice(prefix.length));
  let newest: string | undefined;
  for (const key of state.keys()) {
    if (!key.startsWith(prefix)) continue;
    if (newest === undefined || numberOf(key) > numberOf(newest)) newest = key;
  }
  return newest;
}

function restored(state: ModelState, path: string): Verdict {
  const key = newestInTrash(state, path);
  if (key === undefined) return refused(state, "trashNotFound");
  if (state.has(path)) return refused(state, "pathExists");
  const next = new Map(state);
  next.delete(key);
  const cut = path.lastIndexOf("/");
  if (cut > 0 && !next.has(path.slice(0, cut))) next.set(path.slice(0, cut), "d");
  const rows: readonly (readonly [string, string])[] = JSON.parse(state.get(key) ?? "[]");
  for (const [below, what] of rows) next.set(path + below, what);
  return answered("done", next);
}

/** Whether the outcome is what a correct cluster could have said in this state. */
export function isAllowed(verdict: Verdict, outcome: KnownOutcome): boolean {
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
