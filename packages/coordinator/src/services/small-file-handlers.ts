import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import {
  type CoordinatorService,
  type LeaseFilesResponseSchema,
  type PutFileRequest,
  PutFileResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { SESSION_ID_BYTES } from "../keyspace.ts";
import { parseAttributes, parsePolicy } from "../namespace/attributes.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { parseLenientPath } from "../namespace/path.ts";
import { parsePrecondition } from "../namespace/precondition.ts";
import { inheritedPolicy, readRoot, walk } from "../namespace/resolve.ts";
import { parseObjectTerms, parseTargetPath } from "../objects/object-terms.ts";
import { readEpoch } from "../single-values.ts";
import { PLACEMENT_USABLE_MS, type PlacementSource, writeQuorumOf } from "../uploads/placements.ts";
import { PUT_FILE_CHUNKS_MAX, type PutFile, putFile } from "../uploads/put-file.ts";
import { checkSessionId } from "../uploads/session-table.ts";
import { parseUploadedChunks } from "../uploads/uploaded-chunk.ts";
import { idsFor } from "./namespace-handlers.ts";
import type { UploadParts } from "./upload-handlers.ts";
import { parseSha256, placedNodes, placementMessage } from "./upload-messages.ts";

export type SmallFileHandlers = Pick<
  ServiceHandlers<typeof CoordinatorService>,
  "putFile" | "leaseFiles"
>;

const LEASE_COUNT_MAX = 256;

/** Answers what writes a file in one call. */
export function smallFileHandlers(parts: UploadParts): SmallFileHandlers {
  const { mutator, nodes } = parts;
  return {
    async putFile(request, call) {
      const target = parseObjectTerms(request.object);
      const path = parseTargetPath(request.path, target);
      const wanted = {
        path,
        attributes: parseAttributes(request.attributes),
        precondition: parsePrecondition(request.precondition),
        parents: request.parents,
        policy: parsePolicy(request.policy),
        sha256: parseSha256(request.sha256),
        target,
        body: parseBody(request, nodes),
      };
      return mutator.answer(call, PutFileResponseSchema, idsFor(path), async (mutation) => {
        const entry = await putFile(mutation, wanted);
        return { entry: entryMessage(path.names.at(-1) ?? "", entry) };
      });
    },

    leaseFiles: (request) => leaseFiles(request, parts),
  };
}

function parseBody(request: PutFileRequest, nodes: PlacementSource): PutFile["body"] {
  const { chunks, inlineBytes } = request;
  if (chunks.length === 0) return { kind: "inline", bytes: inlineBytes };
  if (inlineBytes.byteLength > 0 || chunks.length > PUT_FILE_CHUNKS_MAX) {
    throw new CairnError(
      "invalidArgument",
      `a file has ${chunks.length} chunks and ${inlineBytes.byteLength} inline bytes, expected at most ${PUT_FILE_CHUNKS_MAX} chunks or inline bytes`,
    );
  }
  const uploaded = parseUploadedChunks(chunks, checkSessionId(request.leaseId), nodes);
  return { kind: "chunks", uploaded, isLive: (nodeNumber) => nodes.isLive(nodeNumber) };
}

async function leaseFiles(
  request: Parameters<SmallFileHandlers["leaseFiles"]>[0],
  { kv, nodes, random, settings, onEpochUsed }: UploadParts,
): Promise<MessageInitShape<typeof LeaseFilesResponseSchema>> {
  const { count, excludedNodeNumbers: excluded } = request;
  if (count < 1 || count > LEASE_COUNT_MAX) {
    throw new CairnError("invalidArgument", `count is ${count}, expected 1 to ${LEASE_COUNT_MAX}`);
  }
  // Files and objects are put under leases alike.
  const { names } = parseLenientPath(request.path);
  const { epoch, inherited } = await kv.read(async (reader) => {
    const walked = await walk(reader, names, true);
    return {
      epoch: await readEpoch(reader),
      inherited: inheritedPolicy(await readRoot(reader), walked.directories),
    };
  });
  onEpochUsed?.();
  const policy = parsePolicy(request.policy);
  const chunkSizeBytes =
    policy.chunkSizeBytes ?? inherited.chunkSizeBytes ?? settings.defaultChunkSizeBytes;
  const replicationFactor =
    policy.replicationFactor ?? inherited.replicationFactor ?? settings.defaultReplicationFactor;
  const leaseId = random.bytes(SESSION_ID_BYTES);
  const session = { chunkSizeBytes, replicationFactor };
  const placements = Array.from({ length: count }, (_, chunkIndex) =>
    placementMessage(nodes, { sessionId: leaseId, session, chunkIndex, epoch, excluded }),
  );
  return {
    leaseId,
    chunkSizeBytes: BigInt(chunkSizeBytes),
    replicationFactor,
    writeQuorum: writeQuorumOf(replicationFactor),
    placements,
    nodes: nodes.nodesOf(placedNodes(placements)),
    inlineLimitBytes: BigInt(settings.inlineBytesMax),
    usableMs: BigInt(PLACEMENT_USABLE_MS),
  };
}
