import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { ClosingLine } from "./scripts/closing-line.ts";

const ofProcesses = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  setupFiles: ["tests/support/end-leftovers.ts"],
};

/** One file at a time: it measures memory, keeps every core busy or makes network namespaces. */
const alone = { ...ofProcesses, fileParallelism: false };

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
          maxWorkers: availableParallelism(),
        },
      },
      {
        extends: true,
        test: {
          name: "cluster",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/**/*.alone.test.ts", "tests/**/*.long.test.ts"],
          ...ofProcesses,
          // A file waits for its cluster more often than it computes: two share two cores well.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ["tests/**/*.alone.test.ts"],
          ...alone,
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: ["tests/**/*.long.test.ts"],
          ...alone,
          testTimeout: 1_800_000,
        },
      },
    ],
  },
});
