import { CairnError } from "@cairnfs/base/errors";
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from "@cairnfs/protocol/chunk-id";
import * as z from "zod";
import { TRASH_MS_MAX } from "./namespace/attributes.ts";
import { DEFAULT_NAMESPACE_SETTINGS as NAMESPACE } from "./namespace/settings.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MIB = 1024 * 1024;

const durationMs = (min: number) => z.number().int().min(min);

/** Every knob of a coordinator, with its default and its bounds. docs/reference/config.md is made from it. */
export const coordinatorSettings = z.object({
  address: z
    .string()
    .min(1)
    .default("127.0.0.1:7070")
    .describe("Where clients and nodes reach the coordinator: host:port of the framed transport."),
  grpcAddress: z
    .string()
    .default("127.0.0.1:7071")
    .describe("Where gRPC clients reach the coordinator. Empty: gRPC is not offered."),
  httpAddress: z
    .string()
    .default("127.0.0.1:7072")
    .describe("Where metrics and health are served. Empty: nowhere."),
  allowInsecureBind: z
    .boolean()
    .default(false)
    .describe(
      "Listen on addresses that other machines can reach although traffic is not encrypted. For networks without strangers.",
    ),
  kvUrl: z
    .string()
    .min(1)
    .default("lmdb:./cairn-data/metadata")
    .describe("The metadata store: lmdb:<folder>, or memory: which forgets all at exit."),

  defaultReplicationFactor: z
    .number()
    .int()
    .min(1)
    .max(16)
    .default(NAMESPACE.defaultReplicationFactor)
    .describe("How many copies of each chunk are wanted where no policy says otherwise."),
  defaultChunkSizeBytes: z
    .number()
    .int()
    .min(CHUNK_BYTES_MIN)
    .max(CHUNK_BYTES_MAX)
    .default(NAMESPACE.defaultChunkSizeBytes)
    .describe("The chunk size of new files where no policy says otherwise."),
  inlineLimitBytes: z
    .number()
    .int()
    .min(0)
    .max(64 * 1024)
    .default(NAMESPACE.inlineBytesMax)
    .describe("Files up to this size are kept in the metadata instead of in chunks."),

  trashMs: durationMs(0)
    .max(TRASH_MS_MAX)
    .default(DAY_MS)
    .describe(
      "How long what is removed stays in the trash, from where it can be restored, where no policy says otherwise. 0: there is no trash.",
    ),
  sessionTtlMs: durationMs(MINUTE_MS)
    .default(NAMESPACE.sessionTtlMs)
    .describe("How long an upload lives without a call; then what it stored becomes garbage."),
  contentGraceMs: durationMs(0)
    .default(NAMESPACE.contentGraceMs)
    .describe(
      "How long the bytes of a replaced or removed file stay readable for who had opened it.",
    ),
  chunkGraceMs: durationMs(0)
    .default(NAMESPACE.chunkGraceMs)
    .describe(
      "How long a chunk that no file refers to is kept before nodes are told to delete it.",
    ),
  receiptLifeMs: durationMs(MINUTE_MS)
    .default(NAMESPACE.receiptLifeMs)
    .describe("How long at least a stored chunk can be handed in with its receipts."),
  inventoryIntervalMs: durationMs(MINUTE_MS)
    .default(NAMESPACE.inventoryIntervalMs)
    .describe("How often what a node holds is compared with what the records say it holds."),
  lifecycleDayMs: durationMs(100)
    .default(NAMESPACE.lifecycleDayMs)
    .describe(
      "How long a day of a bucket's lifecycle rule lasts. Other than 86400000, which is a day, it is for tests: rules then do not wait for midnight.",
    ),
  lifecycleIntervalMs: durationMs(100)
    .default(NAMESPACE.lifecycleIntervalMs)
    .describe("How often the lifecycle rules of buckets are carried out."),
  idempotencyMs: durationMs(MINUTE_MS)
    .default(NAMESPACE.idempotencyMs)
    .describe("How long at least the answer to a mutating call is kept for its repetition."),
  changeLogMs: durationMs(MINUTE_MS)
    .default(NAMESPACE.changeLogMs)
    .describe("How far back in time the change log reaches."),
  changeLogEntriesMax: z
    .number()
    .int()
    .min(1000)
    .default(NAMESPACE.changeLogEntriesMax)
    .describe("The most changes that the log keeps, however young."),

  heartbeatIntervalMs: durationMs(10)
    .default(3 * SECOND_MS)
    .describe("How often a node says that it is alive, and how full it is."),
  suspectAfterMs: durationMs(20)
    .default(10 * SECOND_MS)
    .describe("After this silence a node gets no new chunks and is read from last."),
  deadAfterMs: durationMs(30)
    .default(MINUTE_MS)
    .describe("After this silence the copies on a node count as lost."),
  updateLogSize: z
    .number()
    .int()
    .min(16)
    .max(1_048_576)
    .default(65_536)
    .describe("How many changes of the node table are kept; who missed more gets the whole table."),
  nodesMax: z.number().int().min(1).max(20_000).default(10_000).describe("The most nodes."),
  resyncRowsPerSecond: z
    .number()
    .int()
    .min(1)
    .default(1_000_000)
    .describe(
      "How many rows of the node table are sent to nodes per second when they lack many of them or all.",
    ),
  placement: z
    .string()
    .min(1)
    .default("capacity-weighted")
    .describe(
      "How nodes are chosen for chunks: capacity-weighted, first-healthy, rendezvous, or module:<path or package> with an export `selector`.",
    ),

  repairParallelism: z
    .number()
    .int()
    .min(0)
    .max(256)
    .default(8)
    .describe("How many chunks are copied anew at the same time. 0: repair is off."),
  repairInFlightBytes: z
    .number()
    .int()
    .min(CHUNK_BYTES_MIN)
    .default(256 * MIB)
    .describe("How many bytes of chunks may be under way in repair at the same time."),
  repairDelayMs: durationMs(0)
    .default(5 * MINUTE_MS)
    .describe(
      "How long after a node has died its copies are waited for before they are made anew. Chunks with one copy left do not wait.",
    ),
  repairBytesPerSecond: z
    .number()
    .int()
    .min(0)
    .default(256 * MIB)
    .describe(
      "How many bytes repair copies per second in the whole cluster at most. 0: as fast as it goes.",
    ),
  copiesPerNode: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      "In how many copies from node to node each node takes part at once, as source and as target each.",
    ),
  moveParallelism: z
    .number()
    .int()
    .min(0)
    .max(256)
    .default(8)
    .describe("How many chunks are moved between nodes at the same time. 0: nothing is moved."),
  moveBytesPerSecond: z
    .number()
    .int()
    .min(CHUNK_BYTES_MIN)
    .default(64 * MIB)
    .describe(
      "How many bytes of chunks drains, the spread and the balance of nodes copy per second.",
    ),
  rebalance: z
    .boolean()
    .default(true)
    .describe("Whether copies move by themselves from fuller nodes to emptier ones."),
  rebalanceThresholdPercent: z
    .number()
    .min(1)
    .max(50)
    .default(5)
    .describe(
      "By how much of its capacity, in percent, a node may be fuller or emptier than the mean before copies move.",
    ),
  nodeTimeoutMs: durationMs(10)
    .default(30 * SECOND_MS)
    .describe("How long the coordinator waits for a node to answer a call."),
});

/** The settings of a coordinator, each checked by itself. */
export type CoordinatorConfig = Readonly<z.output<typeof coordinatorSettings>>;

/** Refuses, as `invalidConfig`, settings that contradict each other. */
export function checkCoordinatorConfig(config: CoordinatorConfig): void {
  const { heartbeatIntervalMs, suspectAfterMs, deadAfterMs } = config;
  if (heartbeatIntervalMs >= suspectAfterMs) {
    throw new CairnError(
      "invalidConfig",
      `heartbeatIntervalMs is ${heartbeatIntervalMs}, expected less than suspectAfterMs, which is ${suspectAfterMs}`,
    );
  }
  if (suspectAfterMs >= deadAfterMs) {
    throw new CairnError(
      "invalidConfig",
      `suspectAfterMs is ${suspectAfterMs}, expected less than deadAfterMs, which is ${deadAfterMs}`,
    );
  }
}
