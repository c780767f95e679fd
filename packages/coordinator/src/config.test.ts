import { expect, test } from "vitest";
import { coordinatorSettings } from "./config.ts";

test("every setting has a default and a description", () => {
  coordinatorSettings.parse({});
  for (const [name, setting] of Object.entries(coordinatorSettings.shape)) {
    expect(setting.description, name).toBeTruthy();
  }
});

test("limits that contradict each other are refused", () => {
  const problems = (settings: object) =>
    coordinatorSettings.safeParse(settings).error?.issues.map((issue) => issue.message);
  expect(problems({ heartbeatIntervalMs: 9_999 })).toBeUndefined();
  expect(problems({ heartbeatIntervalMs: 10_000 })?.[0]).toContain("not below suspectAfterMs");
  expect(problems({ suspectAfterMs: 60_000 })?.[0]).toContain("not below deadAfterMs");
});
