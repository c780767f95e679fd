/**
 * Reads `items` in order, always one ahead of the consumer, so that the disk works while the bytes are being sent. When the
 * iteration ends, however it ends, no read is left running.
 */
export async function* readAhead<I, O>(
  items: Iterable<I>,
  read: (item: I) => Promise<O>,
): AsyncGenerator<O> {
  let ahead: Promise<O> | undefined;
  try {
    for (const item of items) {
      const current = ahead;
      ahead = read(item);
      // Whoever stops early does not want to hear of its failure.
      ahead.catch(() => undefined);
      if (current !== undefined) yield await current;
    }
    const last = ahead;
    ahead = undefined;
    if (last !== undefined) yield await last;
  } finally {
    await ahead?.catch(() => undefined);
  }
}
