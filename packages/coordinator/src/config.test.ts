import { expect, test } from "vitest";
import { checkCoordinatorConfig, coordinatorSettings } from "./config.ts";

test("every setting has a default and a description", () => {
  checkCoordinatorConfig(coordinatorSettings.parse({}));
  for (const [name, setting] of Object.entries(coordinatorSettings.shape)) {
    expect(setting.description, name).toBeTruthy();
  }
});

test("limits that contradict each other are refused", () => {
  const check = (settings: object) => () =>
    checkCoordinatorConfig(coordinatorSettings.parse(settings));
  check({ heartbeatIntervalMs: 9_999, deadAfterMs: 10_001 })();
  expect(check({ heartbeatIntervalMs: 10_000 })).toThrow("expected less than suspectAfterMs");
  expect(check({ suspectAfterMs: 60_000 })).toThrow("expected less than deadAfterMs");
});
