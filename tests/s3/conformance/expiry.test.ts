import { test } from "vitest";
import { expiry } from "./cases/expiry.ts";
import { openTarget } from "./open-target.ts";
import { testAreas } from "./suite.ts";

/** Elsewhere days are seldom short: only where it is said that they are. */
const areShort =
  process.env.CONFORMANCE_S3_ENDPOINT === undefined ||
  process.env.CONFORMANCE_S3_SHORT_DAYS !== undefined;

if (areShort) {
  testAreas([expiry], () =>
    openTarget(process.env, { lifecycleDayMs: 200, lifecycleIntervalMs: 100 }),
  );
} else {
  test.skip("days are too long there", () => {});
}
