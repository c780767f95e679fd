import * as z from "zod";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MIB = 1024 * 1024;

const durationMs = (min: number) => z.number().int().min(min);
const sizeBytes = (min: number) => z.number().int().min(min);

/** Every knob of a datanode, with its default and its bounds. docs/reference/config.md is made from it. */
export const datanodeSettings = z.object({
  dataDir: z
    .string()
    .min(1)
    .default("./cairn-data/datanode")
    .describe("The folder of the chunks, on the one disk that this node is for."),
  store: z
    .enum(["segment", "file", "memory"])
    .default("segment")
    .describe(
      "How chunks are kept: segment packs small chunks into large files, file keeps one file per chunk, memory forgets all at exit.",
    ),
  address: z
    .string()
    .min(1)
    .default("127.0.0.1:7080")
    .describe("Where clients and other nodes reach this node: host:port of the framed transport."),
  grpcAddress: z
    .string()
    .default("127.0.0.1:7081")
    .describe("Where gRPC clients reach this node. Empty: gRPC is not offered."),
  httpAddress: z
    .string()
    .default("127.0.0.1:7082")
    .describe("Where metrics and health are served. Empty: nowhere."),
  advertisedAddress: z
    .string()
    .default("")
    .describe(
      "The address that the cluster is told, where it differs from `address`. Empty: `address` with the port that was bound.",
    ),
  advertisedGrpcAddress: z
    .string()
    .default("")
    .describe("The gRPC address that the cluster is told. Empty: `grpcAddress` as it was bound."),
  allowInsecureBind: z
    .boolean()
    .default(false)
    .describe(
      "Listen on addresses that other machines can reach although traffic is not encrypted. For networks without strangers.",
    ),
  coordinatorAddress: z
    .string()
    .min(1)
    .default("127.0.0.1:7070")
    .describe("Where the coordinator is: host:port of the framed transport."),
  zone: z
    .string()
    .max(255)
    .default("")
    .describe("What fails together with this node beyond its rack; copies are spread over zones."),
  rack: z
    .string()
    .max(255)
    .default("")
    .describe("What fails together with this node; copies are spread over racks."),

  capacityBytes: sizeBytes(0)
    .default(0)
    .describe("The most bytes that chunks may take on the disk. 0: all that the disk has."),
  reserveBytes: sizeBytes(0)
    .default(0)
    .describe(
      "Bytes of the disk that new chunks may not take, so that deleting always works. 0: 1 % of it, at least 64 MiB.",
    ),
  bufferBudgetBytes: sizeBytes(8 * MIB)
    .default(64 * MIB)
    .describe(
      "The memory for chunks on their way in, over all streams, which wait at their start while it is spent. Small chunks on their way out have as much.",
    ),

  replicaStallMs: durationMs(10)
    .default(3 * SECOND_MS)
    .describe("A replica that takes none of the bytes sent to it for this long is dropped."),
  replicaCommitMs: durationMs(10)
    .default(15 * SECOND_MS)
    .describe(
      "How long a replica may take to make a chunk durable while the write quorum is not met.",
    ),
  replicaGraceMs: durationMs(0)
    .default(SECOND_MS)
    .describe("How long replicas that lag behind are waited for once the write quorum is met."),
  receiveStallMs: durationMs(100)
    .default(MINUTE_MS)
    .describe("A sender that sends nothing for this long in the middle of a chunk is given up."),
  readerStallMs: durationMs(100)
    .default(2 * MINUTE_MS)
    .describe("A reader that takes nothing for this long in the middle of a chunk is given up."),
  peerTimeoutMs: durationMs(10)
    .default(5 * SECOND_MS)
    .describe("How long this node waits for an answer of the coordinator or of another node."),
  heartbeatRetryMs: durationMs(10)
    .default(SECOND_MS)
    .describe(
      "The pause before the coordinator is tried again when it did not answer; grows to ten times as much.",
    ),
  diskProbeMs: durationMs(10)
    .default(30 * SECOND_MS)
    .describe("How often a disk that failed to write is tried again."),

  scrubPeriodMs: durationMs(0)
    .default(14 * DAY_MS)
    .describe(
      "Within which each copy is read whole and compared with its checksums and its id. 0: only when a scrub is asked for.",
    ),
  scrubBytesPerSecond: sizeBytes(64 * 1024)
    .default(32 * MIB)
    .describe("What the scrub may read of the disk, in bytes per second."),
});

/** The settings of a datanode, checked. */
export type DatanodeConfig = Readonly<z.output<typeof datanodeSettings>>;
