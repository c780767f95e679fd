import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import { chunkIdFromBytes } from "@cairnfs/protocol/chunk-id";
import {
  BeginUploadResponseSchema,
  CommitUploadResponseSchema,
  type CoordinatorService,
  type PlacementSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { decodeMessage, encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";
import { encodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import type { Call, ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { contents, SESSION_ID_BYTES } from "../keyspace.ts";
import { parseAttributes, parsePolicy } from "../namespace/attributes.ts";
import { entryMessage } from "../namespace/entry-message.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { parseLenientPath } from "../namespace/path.ts";
import { parsePrecondition } from "../namespace/precondition.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { encodeObjectAttributes } from "../objects/object-attributes.ts";
import { parseObjectTerms, parseTargetPath } from "../objects/object-terms.ts";
import { readEpoch } from "../single-values.ts";
import { addChunks } from "../uploads/add-chunks.ts";
import { type BeginUpload, beginUpload } from "../uploads/begin-upload.ts";
import { commitUpload } from "../uploads/commit-upload.ts";
import { FIND_CHUNKS_MAX, findChunks, findForFile } from "../uploads/find-chunks.ts";
import { type PlacementSource, writeQuorumOf } from "../uploads/placements.ts";
import {
  checkSessionId,
  endSession,
  isRenewalDue,
  moveExpiry,
  requireOpenSession,
  requireSession,
} from "../uploads/session-table.ts";
import type { UploadSession } from "../uploads/upload-session.ts";
import { parseUploadedChunks } from "../uploads/uploaded-chunk.ts";
import { idsFor } from "./namespace-handlers.ts";
import { parseSha256, placedNodes, placementMessage } from "./upload-messages.ts";

export interface UploadParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly mutator: Mutator;
  readonly settings: NamespaceSettings;
  readonly nodes: PlacementSource;
  /** Hears that placements of the current epoch were given out. */
  readonly onEpochUsed?: () => void;
}

export type UploadHandlers = Pick<
  ServiceHandlers<typeof CoordinatorService>,
  | "beginUpload"
  | "getUpload"
  | "leasePlacements"
  | "findChunks"
  | "addChunks"
  | "commitUpload"
  | "abortUpload"
>;

const LEASE_PLACEMENTS_MAX = 256;
/** How many placements an upload begins with when its size is known, and when it is not. */
const FIRST_PLACEMENTS_MAX = 16;
const FIRST_PLACEMENTS_UNKNOWN = 4;

/** Answers everything about upload sessions. */
export function uploadHandlers(parts: UploadParts): UploadHandlers {
  return { ...sessionHandlers(parts), ...contentHandlers(parts) };
}

type ContentHandlers = Pick<UploadHandlers, "findChunks" | "addChunks" | "commitUpload">;

function contentHandlers(parts: UploadParts): ContentHandlers {
  const { kv, clock, mutator, nodes } = parts;
  const isLive = (nodeNumber: number) => nodes.isLive(nodeNumber);

  return {
    async findChunks(request, call) {
      if (request.chunkIds.length > FIND_CHUNKS_MAX) {
        throw new CairnError(
          "invalidArgument",
          `chunk_ids has ${request.chunkIds.length} ids, expected at most ${FIND_CHUNKS_MAX}`,
        );
      }
      const ids = request.chunkIds.map(chunkIdFromBytes);
      if (request.sessionId.byteLength === 0) {
        const path = parseLenientPath(request.path);
        return { found: await kv.read((reader) => findForFile(reader, path, ids, parts)) };
      }
      const sessionId = checkSessionId(request.sessionId);
      const { session, more: found } = await readOpen(
        kv,
        sessionId,
        nowMsOf(clock),
        (reader, open) => findChunks(reader, open, ids, isLive),
      );
      await renew(parts, sessionId, session, call.signal);
      return { found };
    },

    async addChunks(request, call) {
      const sessionId = checkSessionId(request.sessionId);
      const offsetBytes = wholeNumber(request.offsetBytes, "offset_bytes");
      const uploaded = parseUploadedChunks(request.chunks, sessionId, nodes);
      const addedBytes = await mutator.run(
        0,
        (mutation) => addChunks(mutation, { sessionId, offsetBytes, uploaded, isLive }),
        call.signal,
      );
      return { addedBytes: BigInt(addedBytes) };
    },

    async commitUpload(request, call) {
      const sessionId = checkSessionId(request.sessionId);
      const wanted = {
        sessionId,
        offsetBytes: wholeNumber(request.offsetBytes, "offset_bytes"),
        uploaded: parseUploadedChunks(request.chunks, sessionId, nodes),
        sha256: parseSha256(request.sha256),
        sizeBytes: wholeNumber(request.sizeBytes, "size_bytes"),
        object: request.object && encodeObjectAttributes(request.object),
        isLive,
        answer: (...[name, entry]: Parameters<typeof entryMessage>) =>
          joinParts(
            encodeMessage(CommitUploadResponseSchema, { entry: entryMessage(name, entry) }),
          ),
      };
      // Whatever directories the commit may have to make, they are in the path.
      const { path, target } = await kv.read((reader) =>
        requireSession(reader, sessionId, nowMsOf(clock)),
      );
      const answer = await mutator.run(
        idsFor(parseTargetPath(path, target)),
        (mutation) => commitUpload(mutation, wanted),
        call.signal,
      );
      return encodedMessage(CommitUploadResponseSchema, [answer]);
    },
  };
}

function sessionHandlers(parts: UploadParts): Omit<UploadHandlers, keyof ContentHandlers> {
  const { kv, clock, mutator, settings, nodes } = parts;
  return {
    async beginUpload(request, call) {
      const target = parseObjectTerms(request.object);
      const path = parseTargetPath(request.path, target);
      const sizeBytes =
        request.sizeBytes === undefined ? undefined : wholeNumber(request.sizeBytes, "size_bytes");
      const wanted = {
        sessionId: parts.random.bytes(SESSION_ID_BYTES),
        path,
        target,
        sizeBytes,
        policy: parsePolicy(request.policy),
        attributes: parseAttributes(request.attributes),
        precondition: parsePrecondition(request.precondition),
        parents: request.parents,
      };
      const sessionId = await beginOnce(parts, call, wanted);
      const { epoch, session } = await kv.read(async (reader) => ({
        epoch: await readEpoch(reader),
        session: await requireSession(reader, sessionId, nowMsOf(clock)),
      }));
      const placements = firstPlacements(nodes, sessionId, session, epoch);
      parts.onEpochUsed?.();
      return {
        sessionId,
        ...sessionMessage(session),
        inlineLimitBytes: BigInt(settings.inlineBytesMax),
        placements,
        nodes: nodes.nodesOf(placedNodes(placements)),
      };
    },

    async getUpload(request, call) {
      const sessionId = checkSessionId(request.sessionId);
      const { session, content } = await kv.read(async (reader) => {
        const found = await requireSession(reader, sessionId, nowMsOf(clock));
        return { session: found, content: await contents.get(reader, found.contentId) };
      });
      const renewed = await renew(parts, sessionId, session, call.signal);
      return {
        path: session.path,
        ...sessionMessage(renewed),
        addedBytes: BigInt(content?.sizeBytes ?? 0),
        addedChunks: BigInt(content?.chunkCount ?? 0),
        ...(session.sizeBytes === undefined ? {} : { sizeBytes: BigInt(session.sizeBytes) }),
      };
    },

    async leasePlacements(request, call) {
      const { count, excludedNodeNumbers: excluded } = request;
      if (count < 1 || count > LEASE_PLACEMENTS_MAX) {
        throw new CairnError(
          "invalidArgument",
          `count is ${count}, expected 1 to ${LEASE_PLACEMENTS_MAX}`,
        );
      }
      const sessionId = checkSessionId(request.sessionId);
      const { session, more: epoch } = await readOpen(kv, sessionId, nowMsOf(clock), readEpoch);
      await renew(parts, sessionId, session, call.signal);
      const first = wholeNumber(request.firstChunkIndex, "first_chunk_index");
      const placements = Array.from({ length: count }, (_, at) =>
        placementMessage(nodes, { sessionId, session, chunkIndex: first + at, epoch, excluded }),
      );
      parts.onEpochUsed?.();
      return { placements, nodes: nodes.nodesOf(placedNodes(placements)) };
    },

    async abortUpload(request, call) {
      const sessionId = checkSessionId(request.sessionId);
      await mutator.run(
        0,
        async ({ tx, nowMs }) => {
          const session = await requireOpenSession(tx, sessionId, nowMs);
          await endSession(tx, sessionId, session, nowMs);
        },
        call.signal,
        FREES,
      );
      return {};
    },
  };
}

/** Opens a session, or finds the one that was opened under the call's key; its id. */
async function beginOnce(
  { mutator, nodes }: UploadParts,
  call: Call,
  wanted: BeginUpload,
): Promise<Uint8Array> {
  const begun = await mutator.answerBytes(call, BeginUploadResponseSchema, 2, async (mutation) => {
    const session = await beginUpload(mutation, wanted);
    // Where nothing can be stored no session is left behind. What is kept for repeats is the session alone.
    firstPlacements(nodes, wanted.sessionId, session, 0);
    return { sessionId: wanted.sessionId };
  });
  return decodeMessage(BeginUploadResponseSchema, begun, "internal").sessionId;
}

function sessionMessage(session: UploadSession) {
  return {
    chunkSizeBytes: BigInt(session.chunkSizeBytes),
    replicationFactor: session.replicationFactor,
    writeQuorum: writeQuorumOf(session.replicationFactor),
    expiresMs: BigInt(session.expiresMs),
  };
}

/** An open session and what else `read` finds, of one moment. */
function readOpen<T>(
  kv: KvStore,
  sessionId: Uint8Array,
  nowMs: number,
  read: (reader: KvReader, session: UploadSession) => Promise<T>,
): Promise<{ readonly session: UploadSession; readonly more: T }> {
  return kv.read(async (reader) => {
    const session = await requireOpenSession(reader, sessionId, nowMs);
    return { session, more: await read(reader, session) };
  });
}

/** Moves the end of an open session's life on when enough of it has passed. */
async function renew(
  { mutator, clock, settings }: UploadParts,
  sessionId: Uint8Array,
  session: UploadSession,
  signal: AbortSignal,
): Promise<UploadSession> {
  if (session.answer !== undefined) return session;
  if (!isRenewalDue(session, nowMsOf(clock), settings.sessionTtlMs)) return session;
  return mutator.run(
    0,
    async ({ tx, nowMs }) => {
      const before = await requireOpenSession(tx, sessionId, nowMs);
      const after = { ...before, expiresMs: nowMs + settings.sessionTtlMs };
      moveExpiry(tx, sessionId, before, after);
      return after;
    },
    signal,
  );
}

function firstPlacements(
  nodes: PlacementSource,
  sessionId: Uint8Array,
  session: UploadSession,
  epoch: number,
): MessageInitShape<typeof PlacementSchema>[] {
  const { sizeBytes, chunkSizeBytes } = session;
  const count =
    sizeBytes === undefined
      ? FIRST_PLACEMENTS_UNKNOWN
      : Math.min(FIRST_PLACEMENTS_MAX, Math.ceil(sizeBytes / chunkSizeBytes));
  return Array.from({ length: count }, (_, chunkIndex) =>
    placementMessage(nodes, { sessionId, session, chunkIndex, epoch, excluded: [] }),
  );
}
