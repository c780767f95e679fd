import { CairnError, type Reason } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import { type Node, NodeState } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import {
  ChangeKind,
  type CoordinatorService,
  type UploadedChunk,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { Call, ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import {
  checkReceipt,
  type MemoryChunk,
  type MemoryCoordinatorOptions,
  type MemorySession,
  mapPage,
  placementsOn,
  positionBytes,
  positionOf,
  QUORUM,
  REPLICAS,
} from "./memory-records.ts";
import { entryMessage, type MemoryContent, MemoryTree } from "./memory-tree.ts";

const LEASED_AT_ONCE = 4;
const LEASE_USABLE_MS = 30_000n;

/** A coordinator of a test: the real messages and the rules that clients depend on, all in memory. */
export class MemoryCoordinator {
  readonly tree = new MemoryTree();
  readonly contents = new Map<number, MemoryContent>();
  readonly chunks = new Map<string, MemoryChunk>();
  readonly sessions = new Map<string, MemorySession>();
  readonly reports: { chunkId: string; nodeNumber: number; kind: number }[] = [];
  readonly changes: { position: number; kind: ChangeKind; path: string; target: string }[] = [];
  /** How often each method was called. */
  readonly calls = new Map<string, number>();
  nodes: Node[] = [];
  nodesVersion = 1n;
  epoch = 1n;
  /** Placements never name these. */
  readonly unplaceable = new Set<number>();
  /** Chunks that no session may refer to without a receipt. */
  readonly withoutRight = new Set<string>();
  readonly #options: MemoryCoordinatorOptions;
  readonly #answers = new Map<string, unknown>();
  readonly #failures: { method: string; error: CairnError; afterwards: boolean }[] = [];
  readonly #fenced = new Set<string>();
  #onChange: (() => void)[] = [];

  constructor(options: MemoryCoordinatorOptions) {
    this.#options = options;
  }

  /** The next call of this method fails; `afterwards` means that it is carried out and its answer lost. */
  failNext(method: string, reason: Reason, afterwards = false): void {
    const error = new CairnError(reason, `${method} was made to fail`);
    this.#failures.push({ method, error, afterwards });
  }

  /** The next receipt for this chunk is void: its deletion has been decided. */
  fence(chunkId: string): void {
    this.#fenced.add(chunkId);
    this.chunks.delete(chunkId);
    this.epoch += 1n;
  }

  callCount(method: string): number {
    return this.calls.get(method) ?? 0;
  }

  handlers(): ServiceHandlers<typeof CoordinatorService> {
    const { tree } = this;
    const unused = async () => {
      throw new CairnError("unimplemented", "not part of a test's coordinator");
    };
    return {
      stat: this.#method("stat", async ({ path }) => ({ entry: this.#entryAt(path) })),
      list: this.#method("list", async (request) => tree.page(request)),
      makeDirectory: this.#method(
        "makeDirectory",
        async ({ path, parents, attributes, policy }) => {
          const there = tree.entries.get(path);
          if (there !== undefined && !(parents && there.kind === "directory")) {
            throw new CairnError("pathExists", `${path} is taken`);
          }
          if (there === undefined) {
            tree.prepare(path, parents);
            const made = tree.newEntry("directory", 0o755, attributes);
            made.policy = policy;
            tree.entries.set(path, made);
            this.#changed(ChangeKind.MAKE_DIRECTORY, path);
          }
          return { entry: this.#entryAt(path) };
        },
      ),
      rename: this.#method("rename", async ({ source, target, noReplace, parents }) => {
        tree.get(source);
        tree.prepare(target, parents);
        tree.rename(source, target, noReplace);
        this.#changed(ChangeKind.RENAME, source, target);
        return { entry: this.#entryAt(target) };
      }),
      remove: this.#method("remove", async ({ path, recursive, precondition }) => {
        tree.get(path);
        tree.check(path, precondition);
        tree.remove(path, recursive);
        this.#changed(ChangeKind.REMOVE, path);
        return {};
      }),
      copy: this.#method("copy", async ({ source, target, noReplace, parents, attributes }) => {
        const from = tree.get(source);
        if (from.kind === "directory") throw new CairnError("isADirectory", "copies are of files");
        if (noReplace && tree.entries.has(target)) throw new CairnError("pathExists", target);
        tree.prepare(target, parents);
        const made = tree.newEntry("file", from.mode, attributes);
        const { content, chunkSizeBytes, sha256 } = from;
        tree.putFile(target, { ...made, content, chunkSizeBytes, sha256 });
        this.#changed(ChangeKind.PUT, target);
        return { entry: this.#entryAt(target) };
      }),
      setAttributes: this.#method("setAttributes", async ({ path, attributes, precondition }) => {
        const entry = tree.get(path);
        tree.check(path, precondition);
        entry.version = tree.nextId();
        entry.mode = attributes?.mode ?? entry.mode;
        entry.modifiedMs = Number(attributes?.modifiedMs ?? entry.modifiedMs);
        entry.contentType = attributes?.contentType ?? entry.contentType;
        entry.userMetadata = { ...(attributes?.userMetadata?.values ?? entry.userMetadata) };
        this.#changed(ChangeKind.SET_ATTRIBUTES, path);
        return { entry: this.#entryAt(path) };
      }),
      putFile: this.#method("putFile", async (request) => {
        const { path, inlineBytes } = request;
        if (inlineBytes.byteLength > this.#options.inlineLimitBytes) {
          throw new CairnError("invalidArgument", "inline_bytes is over the limit");
        }
        tree.check(path, request.precondition);
        tree.prepare(path, request.parents || request.object !== undefined);
        const content = this.#newContent();
        const { chunkSizeBytes } = this.#options;
        if (request.chunks.length > 0) {
          this.#append({ content, chunkSizeBytes }, request.leaseId, 0, request.chunks);
        } else {
          content.inlineBytes = Uint8Array.from(inlineBytes);
          content.sizeBytes = inlineBytes.byteLength;
        }
        const sha256 = Uint8Array.from(request.sha256);
        const entry = tree.newEntry("file", 0o644, request.attributes);
        const object = request.object?.attributes;
        tree.putFile(path, { ...entry, content, sha256, chunkSizeBytes, object });
        this.#changed(ChangeKind.PUT, path);
        return { entry: this.#entryAt(path) };
      }),
      beginUpload: this.#method("beginUpload", async (request) => {
        tree.check(request.path, request.precondition);
        tree.prepare(request.path, request.parents || request.object !== undefined);
        const sessionId = new Uint8Array(16).fill(tree.nextId());
        sessionId.set([this.sessions.size], 0);
        const chunkSizeBytes = Number(
          request.policy?.chunkSizeBytes ?? this.#options.chunkSizeBytes,
        );
        const content = this.#newContent();
        this.sessions.set(toHex(sessionId), {
          request,
          chunkSizeBytes,
          content,
          committed: undefined,
        });
        return {
          sessionId,
          chunkSizeBytes: BigInt(chunkSizeBytes),
          replicationFactor: REPLICAS,
          writeQuorum: QUORUM,
          expiresMs: 0n,
          placements: this.#place(0, LEASED_AT_ONCE, []),
          nodes: this.#nodeUpdates(),
          inlineLimitBytes: BigInt(this.#options.inlineLimitBytes),
        };
      }),
      getUpload: this.#method("getUpload", async ({ sessionId }) => {
        const session = this.#session(sessionId);
        return {
          path: session.request.path,
          chunkSizeBytes: BigInt(session.chunkSizeBytes),
          replicationFactor: REPLICAS,
          writeQuorum: QUORUM,
          expiresMs: 0n,
          addedBytes: BigInt(session.content.sizeBytes),
          addedChunks: BigInt(session.content.chunks.length),
        };
      }),
      leasePlacements: this.#method("leasePlacements", async (request) => {
        this.#session(request.sessionId);
        const { firstChunkIndex, count, excludedNodeNumbers } = request;
        return {
          placements: this.#place(Number(firstChunkIndex), count, excludedNodeNumbers),
          nodes: this.#nodeUpdates(),
        };
      }),
      findChunks: this.#method("findChunks", async ({ sessionId, chunkIds }) => {
        if (sessionId.byteLength > 0) this.#session(sessionId);
        return { found: chunkIds.map((id) => this.chunks.has(toHex(id))) };
      }),
      addChunks: this.#method("addChunks", async ({ sessionId, offsetBytes, chunks }) => {
        const session = this.#session(sessionId);
        this.#append(session, sessionId, Number(offsetBytes), chunks);
        return { addedBytes: BigInt(session.content.sizeBytes) };
      }),
      commitUpload: this.#method("commitUpload", async (request) => {
        const session = this.#session(request.sessionId);
        if (session.committed !== undefined) return { entry: session.committed };
        const { content, chunkSizeBytes } = session;
        const { path, precondition, attributes, parents } = session.request;
        this.#append(session, request.sessionId, Number(request.offsetBytes), request.chunks);
        if (content.sizeBytes !== Number(request.sizeBytes)) {
          throw new CairnError("uploadMismatch", `the upload has ${content.sizeBytes} bytes`);
        }
        tree.check(path, precondition);
        tree.prepare(path, parents || session.request.object !== undefined);
        const entry = tree.newEntry("file", 0o644, attributes);
        const sha256 = Uint8Array.from(request.sha256);
        const { object } = request;
        tree.putFile(path, { ...entry, content, sha256, chunkSizeBytes, object });
        this.#changed(ChangeKind.PUT, path);
        session.committed = this.#entryAt(path);
        return { entry: session.committed };
      }),
      abortUpload: this.#method("abortUpload", async ({ sessionId }) => {
        this.sessions.delete(toHex(sessionId));
        return {};
      }),
      openFile: this.#method("openFile", async ({ path, offsetBytes, chunkLimit }) => {
        const entry = tree.get(path);
        const { content } = entry;
        if (content === undefined) throw new CairnError("isADirectory", `${path} is a directory`);
        const message = this.#entryAt(path);
        if (content.inlineBytes !== undefined) {
          return { entry: message, inlineBytes: content.inlineBytes };
        }
        return {
          entry: message,
          chunks: mapPage(this.chunks, content, Number(offsetBytes), chunkLimit),
          nodes: this.#nodeUpdates(),
        };
      }),
      getChunkMap: this.#method("getChunkMap", async ({ contentId, offsetBytes, chunkLimit }) => {
        const content = this.contents.get(Number(contentId));
        if (content === undefined) throw new CairnError("contentNotFound", "the content is gone");
        return {
          chunks: mapPage(this.chunks, content, Number(offsetBytes), chunkLimit),
          nodes: this.#nodeUpdates(),
        };
      }),
      reportBadReplica: this.#method("reportBadReplica", async ({ chunkId, nodeNumber, kind }) => {
        this.reports.push({ chunkId: toHex(chunkId), nodeNumber, kind });
        return {};
      }),
      getNodeTable: this.#method("getNodeTable", async () => ({ nodes: this.#nodeUpdates() })),
      getClusterState: this.#method("getClusterState", async () => ({
        nodes: this.nodes,
        fileCount: BigInt([...tree.entries.values()].filter((each) => each.kind === "file").length),
        openUploads: BigInt(
          [...this.sessions.values()].filter((each) => each.committed === undefined).length,
        ),
      })),
      watchChanges: (request, call) => this.#watch(request.afterPosition, call),
      leaseFiles: this.#method("leaseFiles", async ({ count, excludedNodeNumbers }) => {
        if (!this.#options.hasLeases) throw new CairnError("unimplemented", "there are no leases");
        return {
          leaseId: new Uint8Array(16).fill(tree.nextId()),
          chunkSizeBytes: BigInt(this.#options.chunkSizeBytes),
          replicationFactor: REPLICAS,
          writeQuorum: QUORUM,
          placements: this.#place(0, count, excludedNodeNumbers),
          nodes: this.#nodeUpdates(),
          inlineLimitBytes: BigInt(this.#options.inlineLimitBytes),
          usableMs: LEASE_USABLE_MS,
        };
      }),
      registerNode: unused,
      heartbeat: unused,
    };
  }

  async *#watch(afterPosition: Uint8Array, call: Call) {
    this.calls.set("watchChanges", this.callCount("watchChanges") + 1);
    let next = afterPosition.byteLength === 0 ? this.changes.length : positionOf(afterPosition) + 1;
    for (let isFirst = true; !call.signal.aborted; isFirst = false) {
      const changes = this.changes
        .slice(next)
        .map((change) => ({ ...change, position: positionBytes(change.position) }));
      next = this.changes.length;
      if (isFirst || changes.length > 0) yield { changes, position: positionBytes(next - 1) };
      await new Promise<void>((resolve) => {
        this.#onChange.push(resolve);
        call.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  #changed(kind: ChangeKind, path: string, target = ""): void {
    this.changes.push({ position: this.changes.length, kind, path, target });
    for (const wake of this.#onChange.splice(0)) wake();
  }

  /** Counts the call, makes it fail if it should, and answers a repeat as the first one. */
  #method<Request, Answer>(
    name: string,
    handle: (request: Request) => Promise<Answer>,
  ): (request: Request, call: Call) => Promise<Answer> {
    return async (request, call) => {
      this.calls.set(name, this.callCount(name) + 1);
      const at = this.#failures.findIndex((failure) => failure.method === name);
      const [failure] = at < 0 ? [] : this.#failures.splice(at, 1);
      if (failure !== undefined && !failure.afterwards) throw failure.error;
      const key = call.metadata.get("cairn-idempotency-key");
      // Only this method has put answers under its key, so they are of its type.
      const kept = this.#answers.get(`${name} ${key}`) as Answer | undefined;
      const answer = kept ?? (await handle(request));
      if (key !== undefined) this.#answers.set(`${name} ${key}`, answer);
      if (failure !== undefined) throw failure.error;
      return answer;
    };
  }

  #entryAt(path: string): ReturnType<typeof entryMessage> {
    return entryMessage(path.slice(path.lastIndexOf("/") + 1), this.tree.get(path));
  }

  #newContent(): MemoryContent {
    const content = { id: this.tree.nextId(), sizeBytes: 0, inlineBytes: undefined, chunks: [] };
    this.contents.set(content.id, content);
    return content;
  }

  #session(sessionId: Uint8Array): MemorySession {
    const session = this.sessions.get(toHex(sessionId));
    if (session === undefined) throw new CairnError("uploadNotFound", "no such upload");
    return session;
  }

  #place(firstIndex: number, count: number, excluded: readonly number[]) {
    const usable = this.nodes
      .filter((node) => node.state !== NodeState.DEAD && !this.unplaceable.has(node.nodeNumber))
      .map((node) => node.nodeNumber)
      .filter((nodeNumber) => !excluded.includes(nodeNumber));
    return placementsOn(usable, { firstIndex, count, epoch: this.epoch });
  }

  #append(
    { content, chunkSizeBytes }: Pick<MemorySession, "content" | "chunkSizeBytes">,
    sessionId: Uint8Array,
    offsetBytes: number,
    uploaded: readonly UploadedChunk[],
  ): void {
    const known = content.chunks.findIndex((chunk) => chunk.offsetBytes === offsetBytes);
    if (known < 0 && offsetBytes !== content.sizeBytes) {
      throw new CairnError("uploadMismatch", `no chunk begins at ${offsetBytes}`);
    }
    const there = known < 0 ? [] : content.chunks.slice(known);
    const again = uploaded.slice(0, there.length);
    for (const [at, chunk] of again.entries()) {
      if (there[at]?.id !== toHex(chunk.chunkId)) {
        throw new CairnError("uploadMismatch", `another chunk is at ${there[at]?.offsetBytes}`);
      }
    }
    const added = uploaded.slice(there.length);
    const needed = added.filter((chunk) => !this.#accepts(chunk, sessionId));
    if (needed.length > 0) {
      const chunkIds = needed.map((chunk) => toHex(chunk.chunkId)).join(",");
      throw new CairnError("chunkNeeded", "chunks have to be sent", { details: { chunkIds } });
    }
    for (const chunk of added) {
      const lengthBytes = Number(chunk.lengthBytes);
      if (lengthBytes > chunkSizeBytes)
        throw new CairnError("invalidArgument", "a chunk is too long");
      const id = toHex(chunk.chunkId);
      const nodeNumbers = chunk.receipts.map((receipt) => receipt.nodeNumber);
      const record = this.chunks.get(id) ?? { lengthBytes, nodeNumbers: new Set() };
      for (const nodeNumber of nodeNumbers) record.nodeNumbers.add(nodeNumber);
      this.chunks.set(id, record);
      content.chunks.push({ offsetBytes: content.sizeBytes, id, lengthBytes });
      content.sizeBytes += lengthBytes;
    }
  }

  #accepts(chunk: UploadedChunk, sessionId: Uint8Array): boolean {
    const id = toHex(chunk.chunkId);
    if (chunk.receipts.length === 0) return this.chunks.has(id) && !this.withoutRight.has(id);
    if (this.#fenced.has(id) && chunk.epoch < this.epoch) return false;
    for (const receipt of chunk.receipts)
      checkReceipt(this.#options.receiptKey, chunk, receipt, sessionId);
    return chunk.receipts.length >= QUORUM;
  }

  #nodeUpdates() {
    return { version: this.nodesVersion, requiresFullResync: true, nodes: this.nodes };
  }
}
