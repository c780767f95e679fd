import { LOG_LEVELS } from "@cairnfs/observability/log-levels";
import * as z from "zod";

/** What every server process is told beside the settings of its role. */
export const processSettings = z.object({
  logLevel: z
    .enum(LOG_LEVELS)
    .default("info")
    .describe("The least that is logged; debug has a line for each call."),
  logFormat: z
    .enum(["auto", "json", "pretty"])
    .default("auto")
    .describe("How lines look: JSON for machines, pretty for people. auto: pretty on a terminal."),
});

export type ProcessSettings = z.output<typeof processSettings>;
