import { expect, test } from "vitest";
import * as z from "zod";
import { referenceTable } from "./reference.ts";

test("the reference has a row for every setting, with its names in file, environment and flags", () => {
  const schema = z.object({
    chunkSizeBytes: z
      .number()
      .int()
      .min(65_536)
      .default(8_388_608)
      .describe("How large | chunks are."),
    scrub: z
      .object({ periodMs: z.number().default(604_800_000).describe("How often.") })
      .prefault({}),
    dataDir: z.string().describe("Where: <folder>."),
  });
  expect(referenceTable(schema).split("\n")).toEqual([
    "| Key | Takes | Default | Environment | Flag | Meaning |",
    "| --- | --- | --- | --- | --- | --- |",
    "| `chunkSizeBytes` | a size like 8MiB, at least 64KiB | `8MiB` | `CAIRN_CHUNK_SIZE_BYTES` | `--chunk-size-bytes` | How large \\| chunks are. |",
    "| `scrub.periodMs` | a duration like 10s | `7d` | `CAIRN_SCRUB_PERIOD_MS` | `--scrub-period-ms` | How often. |",
    "| `dataDir` | text | required | `CAIRN_DATA_DIR` | `--data-dir` | Where: &lt;folder>. |",
  ]);
});
