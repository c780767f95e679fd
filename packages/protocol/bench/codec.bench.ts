/*
 * What messages cost to write and to read, by our codecs and by protobuf-es:
 *
 *     npx tsx --conditions=source packages/protocol/bench/codec.bench.ts
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  ListResponseSchema,
  StatRequestSchema,
  StatResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { StoreChunkRequestSchema } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { decoderOf, encoderOf, joinParts } from "@cairnfs/protocol/rpc/codec";

const entry = {
  kind: 1,
  name: "IMG_20260101_120000.jpg",
  inodeId: 123_456_789n,
  sizeBytes: 8_388_608n,
  createdMs: 1_790_000_000_000n,
  modifiedMs: 1_790_000_000_000n,
  mode: 0o644,
  contentType: "image/jpeg",
  sha256: new Uint8Array(32).fill(7),
  chunkSizeBytes: 8_388_608n,
  replicationFactor: 3,
  chunkCount: 1n,
  version: 1n,
  contentId: 987_654n,
};
const data = {
  sessionId: new Uint8Array(16),
  offsetBytes: 5_000_000n,
  blockChecksums: Array.from({ length: 16 }, (_, index) => index * 1_000_003),
  data: new Uint8Array(1024 * 1024),
};

measure("StatRequest", StatRequestSchema, { path: "/photos/2026/january/a.jpg" }, 200_000);
measure("StatResponse", StatResponseSchema, { entry }, 100_000);
measure("ListResponse of 1000", ListResponseSchema, { entries: new Array(1000).fill(entry) }, 100);
measure(
  "StoreChunkRequest",
  StoreChunkRequestSchema,
  { step: { case: "data", value: data } },
  20_000,
);

function measure<D extends DescMessage>(
  name: string,
  schema: D,
  init: MessageInitShape<D>,
  times: number,
): void {
  const encode = encoderOf(schema);
  const decode = decoderOf(schema, "protocolViolation");
  const bytes = joinParts(encode(init));
  const ours = [cost(() => encode(init), times), cost(() => decode(bytes), times)];
  const theirs = [
    cost(() => toBinary(schema, create(schema, init)), times / 10),
    cost(() => fromBinary(schema, bytes), times / 10),
  ];
  const [write = 0, read = 0] = ours;
  const [writeEs = 0, readEs = 0] = theirs;
  process.stdout.write(
    `${name} (${bytes.byteLength} bytes): write ${write.toFixed(2)} us, read ${read.toFixed(2)} us; ` +
      `protobuf-es ${writeEs.toFixed(2)} us (${(writeEs / write).toFixed(1)}x), ${readEs.toFixed(2)} us (${(readEs / read).toFixed(1)}x)\n`,
  );
}

/** CPU microseconds of one run. */
function cost(run: () => unknown, times: number): number {
  for (let count = 0; count < times / 2; count++) run();
  const started = process.cpuUsage();
  for (let count = 0; count < times; count++) run();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / times;
}
