/**
 * What tests have started and not ended yet. A test that runs out of time never comes to its end, and so to its clean-up: whoever
 * runs tests ends what is left when all of a file are over.
 */
const leftovers = new Set<AsyncDisposable>();

/** Remembers what is to be ended; the function that it returns says that it was. */
export function willBeEnded(started: AsyncDisposable): () => void {
  leftovers.add(started);
  return () => void leftovers.delete(started);
}

/** Ends what is left, the last first. Rejects when some of it could not be ended, with the rest ended. */
export async function endLeftovers(): Promise<void> {
  const errors: unknown[] = [];
  for (const started of [...leftovers].reverse()) {
    try {
      await started[Symbol.asyncDispose]();
    } catch (error) {
      errors.push(error);
    }
  }
  leftovers.clear();
  if (errors.length > 0) throw new AggregateError(errors, "some of what tests had started remains");
}
