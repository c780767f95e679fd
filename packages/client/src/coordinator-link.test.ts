import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { IDEMPOTENCY_KEY } from "@cairnfs/protocol/rpc/interceptor";
import { expect, test } from "vitest";
import { clientConfig } from "./config.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { type CoordinatorCallOptions, CoordinatorLink } from "./coordinator-link.ts";

/** A link whose coordinator fails `failures` times with a reason, and how its one call went. */
function callFailing(
  reason: "placementUnavailable" | "unreachable",
  failures: number,
  options: CoordinatorCallOptions,
) {
  const clock = new SimClock();
  const config = clientConfig({ coordinator: "nowhere:1", clock, random: new Prng(1) });
  // The calls below never look at their client.
  const link = new CoordinatorLink([{} as CoordinatorClient], config);
  let attempts = 0;
  const outcome = link.call(async () => {
    attempts += 1;
    if (attempts <= failures) throw new CairnError(reason, "not now");
    return attempts;
  }, options);
  outcome.catch(() => undefined);
  return { clock, outcome, attempts: () => attempts };
}

test("an unreachable coordinator is tried again until it answers", async () => {
  const call = callFailing("unreachable", 3, {});
  await call.clock.advance(30_000);
  expect(await call.outcome).toBe(4);
});

test("too few healthy nodes are waited for where a call says so, but not for ever", async () => {
  const brief = callFailing("placementUnavailable", 3, { waitsForNodes: true });
  await brief.clock.advance(10_000);
  expect(await brief.outcome).toBe(4);

  const endless = callFailing("placementUnavailable", 1_000, { waitsForNodes: true });
  await endless.clock.advance(13_000);
  await expect(endless.outcome).rejects.toMatchObject({ reason: "placementUnavailable" });
});

test("too few healthy nodes are an error at once where the caller has another way", async () => {
  const call = callFailing("placementUnavailable", 1, {});
  await expect(call.outcome).rejects.toMatchObject({ reason: "placementUnavailable" });
  expect(call.attempts()).toBe(1);
});

test("all attempts of a call have the same ids, and no two calls the same; only what changes something has a key", async () => {
  const clock = new SimClock();
  const random = new Prng(1);
  const links = [1, 2].map(() => {
    const config = clientConfig({ coordinator: "nowhere:1", clock, random });
    return new CoordinatorLink([{} as CoordinatorClient], config);
  });
  const seen = new Map<string, number>();
  for (const link of links) {
    for (const isMutation of [false, true, true]) {
      let attempts = 0;
      const outcome = link.call(
        async (_, { metadata }) => {
          expect(metadata?.has(IDEMPOTENCY_KEY)).toBe(isMutation);
          for (const entry of metadata ?? []) {
            seen.set(entry.join(), (seen.get(entry.join()) ?? 0) + 1);
          }
          if (attempts++ === 0) throw new CairnError("unreachable", "not now");
        },
        { isMutation },
      );
      await clock.advance(1_000);
      await outcome;
    }
  }
  // Six calls with an id and four with a key, twice each.
  expect([...seen.values()]).toEqual(new Array(10).fill(2));
});
