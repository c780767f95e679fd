import { afterAll, beforeAll, describe, test } from "vitest";
import type { OpenTarget } from "./open-target.ts";
import type { Area } from "./support/case.ts";
import { closeConnections } from "./support/request.ts";
import { Runner } from "./support/runner.ts";

/** Has every row of the areas be a test, on one target. */
export function testAreas(areas: readonly Area[], open: () => Promise<OpenTarget>): void {
  let target: OpenTarget;
  let runner: Runner;

  beforeAll(async () => {
    target = await open();
    runner = await Runner.open(target);
  });

  afterAll(async () => {
    closeConnections();
    await target.close();
  });

  for (const { name, rows } of areas) {
    describe.concurrent(`S3: ${name}`, () => {
      for (const row of rows) {
        test(`${row.name} [${row.source}]`, () => runner.run(row));
      }
    });
  }
}
