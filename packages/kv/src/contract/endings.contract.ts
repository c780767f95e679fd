import { CairnError } from "@cairnfs/base/errors";
import { describe, expect, test } from "vitest";
import { counterValue } from "../counter.ts";
import {
  contents,
  getText,
  key,
  type OpenStore,
  put,
  rangeOf,
  text,
  tick,
  value,
} from "./open-store.contract.ts";

/** Signals, closing and opening again. */
export function describeKvEndings(under: OpenStore): void {
  describe("signals and closing", () => {
    test("a signal that has fired keeps the body from running", async () => {
      const attempt = under.store.transact(async () => expect.unreachable(), {
        signal: AbortSignal.abort(),
      });
      await expect(attempt).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
    });

    test("a signal that fires during the body keeps its writes from being stored", async () => {
      const controller = new AbortController();
      const attempt = under.store.transact(
        async (tx) => {
          tx.put(key("a"), value("1"));
          controller.abort(new CairnError("deadlineExceeded", "too late"));
        },
        { signal: controller.signal },
      );
      await expect(attempt).rejects.toThrow("too late");
      expect(await contents(under.store)).toEqual({});
    });

    test("a signal ends the wait for a turn, and that between attempts", async () => {
      const controller = new AbortController();
      const slow = under.store.transact(async () => tick());
      const waiting = under.store.transact(async () => expect.unreachable(), {
        signal: controller.signal,
      });
      controller.abort();
      await expect(waiting).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
      await slow;

      const later = new AbortController();
      let attempts = 0;
      const conflicting = under.store.transact(
        async (tx) => {
          attempts += 1;
          await tx.get(key("a"));
          await put(under.store, { a: `${attempts}` });
          if (attempts === 3) queueMicrotask(() => queueMicrotask(() => later.abort()));
        },
        { signal: later.signal },
      );
      await expect(conflicting).rejects.toThrow(expect.objectContaining({ reason: "cancelled" }));
      expect(attempts).toBe(3);
    });

    test("closing waits for what is under way and refuses what comes after", async () => {
      const slow = under.store.transact(async (tx) => {
        await tick();
        tx.put(key("a"), value("1"));
        return "stored";
      });
      const reading = under.store.read(async (reader) => {
        await tick();
        return getText(reader, "a");
      });
      const closing = under.store.close();
      const refused = expect.objectContaining({ reason: "shuttingDown" });
      await expect(under.store.transact(async () => expect.unreachable())).rejects.toThrow(refused);
      await expect(under.store.read(async () => expect.unreachable())).rejects.toThrow(refused);
      expect(await slow).toBe("stored");
      expect(await reading).toBeUndefined();
      await closing;
      await under.close();
    });
  });

  describe("reopening", () => {
    test("keeps what was committed, and positions go on growing", async (context) => {
      if (under.reopen === undefined) return context.skip("this store ends with its process");
      for (let round = 0; round < 3; round++) {
        await put(under.store, { [`k${round}`]: `${round}` });
        await under.store.transact(async (tx) => {
          tx.append(key("log"), value(`${round}`));
          tx.add(key("n"), 1);
        });
        await under.reopen();
      }
      await under.store.read(async (reader) => {
        const kept = await rangeOf(reader, "k", "l");
        expect(kept.map((entry) => text(entry.value))).toEqual(["0", "1", "2"]);
        const log = await rangeOf(reader, "log", "loh");
        expect(log.map((entry) => text(entry.value))).toEqual(["0", "1", "2"]);
        expect(counterValue(await reader.get(key("n")))).toBe(3);
      });
    });
  });
}
