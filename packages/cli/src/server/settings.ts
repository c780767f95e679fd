import { coordinatorSettings } from "@cairnfs/coordinator/config";
import { datanodeSettings } from "@cairnfs/datanode/config";
import * as z from "zod";
import { processSettings } from "./process-settings.ts";

const DATA_DIR = "./cairn-data";

/** Every setting of a coordinator process. */
export const coordinatorProcessSettings = coordinatorSettings.extend({
  dataDir: z
    .string()
    .min(1)
    .default(`${DATA_DIR}/coordinator`)
    .describe("The folder of the metadata store, where kvUrl names no other."),
  kvUrl: z
    .string()
    .default("")
    .describe(
      "The metadata store: lmdb:<folder>, or memory: which forgets all at exit. Empty: lmdb in the data folder.",
    ),
  kvReserveBytes: z
    .number()
    .int()
    .min(0)
    .max(2 ** 30)
    .default(32 * 2 ** 20)
    .describe(
      "How much of its disk the metadata store keeps, so that removing goes on when the disk is full. 0: nothing.",
    ),
  ...processSettings.shape,
});
export type CoordinatorProcessConfig = Readonly<z.output<typeof coordinatorProcessSettings>>;

/** Every setting of a datanode process. */
export const datanodeProcessSettings = datanodeSettings.extend(processSettings.shape);
export type DatanodeProcessConfig = Readonly<z.output<typeof datanodeProcessSettings>>;
