import { setTimeout as pause } from "node:timers/promises";

/**
 * Asks until `check` no longer throws, at most `withinMs`; then the last failure is thrown.
 * For what real processes do in their own time, where no event can be awaited.
 */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 20_000): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() - startedMs > withinMs) throw error;
      await pause(25);
    }
  }
}
