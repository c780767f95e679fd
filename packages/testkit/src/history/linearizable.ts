/** One operation as its caller saw it. Times are of one clock that only grows. */
export interface Operation<Input, Output> {
  readonly invokedAt: number;
  /** Undefined when the caller never learned how it ended: it may take effect at any time, or never. */
  readonly returnedAt: number | undefined;
  readonly input: Input;
  /** Undefined when the caller never learned it. */
  readonly output: Output | undefined;
}

/** What a sequence of operations, one after the other, may do. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /** The state after the operation; undefined when it cannot have had this output in this state. Any output may be unknown. */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** The same for equal states, and for no others. */
  keyOf(state: State): string;
}

export type LinearizationVerdict<Input, Output> =
  | { readonly kind: "linearizable" }
  /** No order explains the history; in the longest one that was found, these could not come next. */
  | { readonly kind: "violated"; readonly stuckAt: readonly Operation<Input, Output>[] }
  /** More was looked at than allowed. */
  | { readonly kind: "undecided" };

/** Some operations in order, as far as they have been placed. */
interface Placing<State> {
  readonly state: State;
  /** All operations before this index are placed. */
  readonly first: number;
  /** Those behind it that are placed too, ascending. */
  readonly beyond: readonly number[];
}

const PLACINGS_MAX = 2_000_000;

/**
 * Whether some order of the operations, which keeps the order of those that did not overlap, is one that the model allows. The search of
 * Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's memory of what was tried.
 */
export function checkLinearizable<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
  placingsMax = PLACINGS_MAX,
): LinearizationVerdict<Input, Output> {
  const operations = history.toSorted((one, other) => one.invokedAt - other.invokedAt);
  const tried = new Set<string>();
  const stack: Placing<State>[] = [{ state: model.initial, first: 0, beyond: [] }];
  let furthest: Placing<State> | undefined;
  for (let placing = stack.pop(); placing !== undefined; placing = stack.pop()) {
    const key = `${placing.first}/${placing.beyond.join()}/${model.keyOf(placing.state)}`;
    if (tried.has(key)) continue;
    if (tried.size >= placingsMax) return { kind: "undecided" };
    tried.add(key);
    const next = nextOf(operations, placing);
    if (next.every(({ operation }) => operation.returnedAt === undefined)) {
      return { kind: "linearizable" };
    }
    if (furthest === undefined || placed(placing) > placed(furthest)) furthest = placing;
    stack.push(...next.flatMap((candidate) => place(candidate, placing, model) ?? []));
  }
  const stuck = furthest === undefined ? [] : nextOf(operations, furthest);
  return { kind: "violated", stuckAt: stuck.map(({ operation }) => operation) };
}

interface Candidate<Input, Output> {
  readonly index: number;
  readonly operation: Operation<Input, Output>;
}

/**
 * The operations that may come next: those that began before any other that is not placed had returned. The last is to
 * be tried first: the one that returned earliest, which most likely was first.
 */
function nextOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  { first, beyond }: Pick<Placing<unknown>, "first" | "beyond">,
): Candidate<Input, Output>[] {
  const isPlaced = new Set(beyond);
  const next: Candidate<Input, Output>[] = [];
  let earliestReturn = Number.POSITIVE_INFINITY;
  for (let index = first; index < operations.length; index++) {
    const operation = operations[index];
    if (operation === undefined || operation.invokedAt > earliestReturn) break;
    if (isPlaced.has(index)) continue;
    next.push({ index, operation });
    earliestReturn = Math.min(earliestReturn, endOf(operation));
  }
  return next
    .filter(({ operation }) => operation.invokedAt <= earliestReturn)
    .sort((one, other) => endOf(other.operation) - endOf(one.operation));
}

function endOf({ returnedAt }: Operation<unknown, unknown>): number {
  return returnedAt ?? Number.MAX_VALUE;
}

/** One more placed; undefined when the model does not allow it there. */
function place<State, Input, Output>(
  { index, operation }: Candidate<Input, Output>,
  placing: Placing<State>,
  model: SequentialModel<State, Input, Output>,
): Placing<State> | undefined {
  const state = model.step(placing.state, operation.input, operation.output);
  if (state === undefined) return undefined;
  const beyond = [...placing.beyond, index].sort((one, other) => one - other);
  let { first } = placing;
  while (beyond[0] === first) {
    beyond.shift();
    first += 1;
  }
  return { state, first, beyond };
}

function placed({ first, beyond }: Placing<unknown>): number {
  return first + beyond.length;
}
