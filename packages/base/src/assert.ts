/** What we did wrong: the process goes down rather than on. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws an AssertionFailure unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** The value, which the caller knows to be there. */
export function present<T>(value: T | undefined, message: string): T {
  assert(value !== undefined, message);
  return value;
}
