import { afterAll, beforeAll, describe, test } from "vitest";
import { AREAS } from "./areas.ts";
import { type OpenTarget, openTarget } from "./open-target.ts";
import { closeConnections } from "./support/request.ts";
import { Runner } from "./support/runner.ts";

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
    for (const row of rows) test(`${row.name} [${row.source}]`, () => runner.run(row));
  });
}
