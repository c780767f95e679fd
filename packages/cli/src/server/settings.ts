import { coordinatorSettings } from "@cairnfs/coordinator/config";
import { datanodeSettings } from "@cairnfs/datanode/config";
import { gatewaySettings } from "@cairnfs/gateway/config";
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

/** Every setting of a gateway process. */
export const gatewayProcessSettings = gatewaySettings.extend({
  httpAddress: z
    .string()
    .default("127.0.0.1:7092")
    .describe("Where metrics and health are served. Empty: nowhere."),
  coordinatorAddress: z
    .string()
    .min(1)
    .default("127.0.0.1:7070")
    .describe("Where the coordinator is: host:port of the framed transport."),
  zone: z.string().max(255).default("").describe("Copies in this zone are read first."),
  memoryBytes: z
    .number()
    .int()
    .min(4 * 2 ** 20)
    .default(64 * 2 ** 20)
    .describe(
      "What the buffers of all uploads may take together, and those of all downloads as much again.",
    ),
  patienceMs: z
    .number()
    .int()
    .min(0)
    .default(20_000)
    .describe(
      "How long a request waits for a coordinator that is away before it is answered with ServiceUnavailable.",
    ),
  rootAccessKeyId: z
    .string()
    .default("")
    .describe(
      "What the first access key of the root user is called, when this gateway is the first to start. Empty: a fresh one is made.",
    ),
  rootSecretKey: z
    .string()
    .default("")
    .describe("The secret of rootAccessKeyId. By file or environment alone."),
  ...processSettings.shape,
});
export type GatewayProcessConfig = Readonly<z.output<typeof gatewayProcessSettings>>;
