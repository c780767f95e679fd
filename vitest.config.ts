import { defineConfig } from "vitest/config";
import { ClosingLine } from "./scripts/closing-line.ts";

/** Suites of processes: one file at a time, for they measure memory and share two cores with their clusters. */
const ofProcesses = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  fileParallelism: false,
  setupFiles: ["tests/support/end-leftovers.ts"],
};

/** Unit tests run from the sources; suites of processes run what was built and ships. */
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    reporters: ["default", new ClosingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Fuzzers and crash trials fsync for real: on a busy machine that takes its time.
          testTimeout: 30_000,
          include: ["packages/*/src/**/*.test.ts", "packages/*/src/**/*.fuzz.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "cluster",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/**/*.long.test.ts"],
          ...ofProcesses,
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: ["tests/**/*.long.test.ts"],
          ...ofProcesses,
          testTimeout: 1_800_000,
        },
      },
    ],
  },
});
