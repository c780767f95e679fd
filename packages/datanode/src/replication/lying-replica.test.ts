import { create } from "@bufbuild/protobuf";
import { chunkIdToBytes } from "@cairnfs/protocol/chunk-id";
import {
  DataNodeService,
  type StoreChunkRequest,
  StoreChunkRequestSchema,
} from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import { expect, test } from "vitest";
import { sampleChunk } from "../store/testing/sample-chunk.ts";
import { SESSION_ID, TrialCluster } from "../testing/trial-cluster.ts";

const CHUNK = sampleChunk(70_000);

test("wrong checksums are refused although a replica that the client made up takes them", async () => {
  await using cluster = await TrialCluster.open(1);
  const liar = createRouter().add(DataNodeService, {
    storeChunk: async function* (requests: AsyncIterable<StoreChunkRequest>) {
      for await (const { step } of requests) {
        if (step.case !== "data") continue;
        const bytesReceived = step.value.offsetBytes + BigInt(step.value.data.byteLength);
        yield { step: { case: "ack", value: { bytesReceived, readyForNext: true } } };
      }
    },
    retrieveChunk: unasked,
    replicateChunk: unasked,
    deleteChunks: unasked,
    hasChunks: unasked,
    listChunks: unasked,
    verifyChunk: unasked,
    healthCheck: unasked,
    putChunk: unasked,
    getChunk: unasked,
    // It is what a client can make up, not a service of ours.
  } as never);
  const { address } = await cluster.network.listen("liar", liar.build());
  async function* requests(): AsyncGenerator<StoreChunkRequest> {
    yield create(StoreChunkRequestSchema, {
      step: {
        case: "open",
        value: {
          sessionId: SESSION_ID,
          lengthLimitBytes: BigInt(CHUNK.bytes.byteLength),
          replicaNodeNumbers: [77],
          replicaNodes: [{ nodeNumber: 77, address }],
          writeQuorum: 1,
          epoch: 1n,
        },
      },
    });
    yield create(StoreChunkRequestSchema, {
      step: {
        case: "data",
        value: {
          sessionId: SESSION_ID,
          chunkId: chunkIdToBytes(CHUNK.id),
          isFinal: true,
          blockChecksums: [1, 2],
          data: CHUNK.bytes,
        },
      },
    });
  }
  // The replica has acknowledged all before the own store has it.
  cluster.node(1).store.letWrite(0);
  const storing = (async () => {
    for await (const _answer of cluster.node(1).client.storeChunk(requests())) {
      // Acknowledgements.
    }
  })();
  for (let turn = 0; turn < 200; turn++) await cluster.clock.advance(0);
  cluster.node(1).store.letWrite(Number.POSITIVE_INFINITY);
  await expect(cluster.outcome(storing)).rejects.toMatchObject({ reason: "chunkMismatch" });
  expect(await cluster.node(1).store.info(CHUNK.id)).toBeUndefined();
});

function unasked(): never {
  throw new Error("nobody asks");
}
