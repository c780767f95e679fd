import { afterAll, beforeAll, describe, test } from "vitest";
import { AREAS } from "./areas.ts";
import { GAPS } from "./gaps.ts";
import { type OpenTarget, openTarget } from "./open-target.ts";
import { closeConnections } from "./support/request.ts";
import { Runner } from "./support/runner.ts";

/** Gaps are tried too when they are asked for, and on servers of elsewhere. */
const withGaps =
  process.env.CONFORMANCE_S3_GAPS !== undefined ||
  process.env.CONFORMANCE_S3_ENDPOINT !== undefined;

let target: OpenTarget;
let runner: Runner;

beforeAll(async () => {
  target = await openTarget(process.env);
  runner = await Runner.open(target);
});

afterAll(async () => {
  closeConnections();
  await target.close();
});

for (const { name, rows } of AREAS) {
  describe.concurrent(`S3: ${name}`, () => {
    for (const row of rows) {
      const isGap = GAPS[name]?.includes(row.name) === true && !withGaps;
      test.skipIf(isGap)(`${row.name} [${row.source}]`, () => runner.run(row));
    }
  });
}
