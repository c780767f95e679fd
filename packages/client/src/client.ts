import type { ByteBudget } from "@cairnfs/base/byte-budget";
import { hasReason } from "@cairnfs/base/errors";
import type { Closable } from "@cairnfs/base/lifecycle";
import { RealDisk } from "@cairnfs/base/real-disk";
import type { NodePool } from "@cairnfs/protocol/rpc/node-pool";
import type { ClientTransport } from "@cairnfs/protocol/rpc/transport";
import { withCallerSignal } from "./abort.ts";
import { Access } from "./access.ts";
import { type CheckEvent, type CheckOptions, checkCluster } from "./check-cluster.ts";
import type {
  CallerOptions,
  CopyOptions,
  ListOptions,
  ListPage,
  MakeDirectoryOptions,
  MoveOptions,
  RemoveOptions,
  RemoveResult,
  SetAttributesOptions,
} from "./client-options.ts";
import { type ClientParts, wireClient } from "./client-wiring.ts";
import { type ClusterState, clusterState } from "./cluster-state.ts";
import { type ClientConfig, type ConnectOptions, clientConfig } from "./config.ts";
import { CoordinatorCalls } from "./coordinator-calls.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import { defaultNetwork } from "./default-network.ts";
import { type TreeUsage, usageOf, walkTree } from "./directory.ts";
import { type DownloadOptions, downloadFile } from "./download/download-file.ts";
import {
  type DownloadParts,
  FileContent,
  OpenedFile,
  type ReadOptions,
} from "./download/opened-file.ts";
import {
  attributesToWire,
  count,
  entryFromWire,
  type FileEntry,
  policyToWire,
  preconditionToWire,
} from "./entry.ts";
import { CairnFileSystem } from "./fs/file-system.ts";
import { ifThere } from "./if-there.ts";
import { EntryListing, listPages, pageFromWire } from "./listing.ts";
import { Members } from "./members.ts";
import { type NodeInfo, type NodeTable, nodeInfo } from "./node-table.ts";
import { Buckets } from "./objects/buckets.ts";
import { Multiparts } from "./objects/multiparts.ts";
import { Objects } from "./objects/objects.ts";
import {
  type ExplainedPart,
  type ExplainOptions,
  explainFile,
  type Redundancy,
  readRedundancy,
} from "./redundancy.ts";
import { Scrubs } from "./scrubs.ts";
import { Trash } from "./trash.ts";
import { put } from "./upload/put.ts";
import { rewrite } from "./upload/rewrite.ts";
import { replay, type UploadSource, zeros } from "./upload/source.ts";
import { resumeUpload, type UploadFileOptions, uploadFile } from "./upload/upload-file.ts";
import type { PutOptions, PutResult, UploadParts } from "./upload/upload-parts.ts";
import { type FileChange, type WatchOptions, watchChanges } from "./watch-changes.ts";

const CHUNKS_WITH_GET = 256;
const CHUNKS_WITH_OPEN = 4_096;

/** Connects to a cluster: resolves when a coordinator has answered. */
export async function connect(options: ConnectOptions & CallerOptions): Promise<CairnClient> {
  const config = clientConfig(options);
  const network = options.network ?? (await defaultNetwork(config));
  const client = new CairnClient(config, {
    network,
    disk: options.disk ?? new RealDisk({ fileMode: 0o666 }),
  });
  try {
    await client.nodes({ signal: options.signal });
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * A cluster as its users see it. Failures are `CairnError`s: decide by their `reason`. Every call takes an
 * `AbortSignal`; when it fires the call rejects with reason `cancelled` and leaves nothing behind.
 */
export class CairnClient implements Closable {
  /** The same files as an object in the manner of `node:fs/promises`. */
  readonly fs: CairnFileSystem;
  /** What was removed and can be restored. */
  readonly trash: Trash;
  /** Directories at the root as object storage sees them. */
  readonly buckets: Buckets;
  /** Files as object storage sees them: by bucket and key. */
  readonly objects: Objects;
  /** Objects that are uploaded in parts. */
  readonly multiparts: Multiparts;
  /** The nodes as an operator handles them: drain, undrain, removal, and how far moves are. */
  readonly members: Members;
  /** The reading of all copies: ask for it, and how far it is. */
  readonly scrubs: Scrubs;
  /** Users, their access keys and their policies. */
  readonly access: Access;
  readonly #config: ClientConfig;
  readonly #coordinator: CoordinatorLink;
  readonly #calls: CoordinatorCalls;
  readonly #transports: readonly ClientTransport[];
  readonly #pool: NodePool;
  readonly #nodes: NodeTable;
  readonly #uploads: UploadParts;
  readonly #downloads: DownloadParts;

  constructor(config: ClientConfig, parts: ClientParts) {
    const wiring = wireClient(config, parts);
    this.#config = config;
    this.#coordinator = wiring.coordinator;
    this.#calls = new CoordinatorCalls(wiring.coordinator);
    this.members = new Members(this.#calls, wiring.coordinator);
    this.#transports = wiring.transports;
    this.#pool = wiring.pool;
    this.#nodes = wiring.nodes;
    this.#uploads = wiring.uploads;
    this.#downloads = wiring.downloads;
    this.fs = new CairnFileSystem(this, config.random);
    this.trash = new Trash(this.#calls);
    this.buckets = new Buckets(this.#calls);
    this.objects = new Objects(this.#calls, this.#uploads, this.#downloads);
    this.multiparts = new Multiparts(this.#calls, this.#uploads);
    this.scrubs = new Scrubs(this.#calls);
    this.access = new Access(this.#calls);
  }

  /** What buffers take and took at most: of uploads and of downloads. */
  get memory(): { readonly uploads: ByteBudget; readonly downloads: ByteBudget } {
    return { uploads: this.#uploads.budget, downloads: this.#downloads.budget };
  }

  /**
   * Makes `source` the file at `path`, replacing one that is there. When this resolves the file is there whole and durable
   * on a write quorum; when it rejects the path is as it was.
   */
  put(path: string, source: UploadSource, options: PutOptions = {}): Promise<PutResult> {
    return put(this.#uploads, path, source, options);
  }

  /** Uploads a local file. With `stateFile` an upload that was interrupted goes on where it stopped. */
  upload(localFile: string, path: string, options: UploadFileOptions = {}): Promise<PutResult> {
    return uploadFile(this.#uploads, localFile, path, options);
  }

  /** Continues an upload session with the file it was begun with; nothing that is stored already is sent again. */
  resume(sessionId: string, localFile: string, options: PutOptions = {}): Promise<PutResult> {
    return resumeUpload(this.#uploads, sessionId, localFile, options);
  }

  /** The file at `path`, to be read as bytes, text or a stream. */
  async get(path: string, options: ReadOptions = {}): Promise<FileContent> {
    const file = await withCallerSignal(options.signal, () =>
      OpenedFile.open(path, this.#downloads, {
        signal: options.signal,
        offsetBytes: options.offsetBytes,
        chunkLimit: CHUNKS_WITH_GET,
      }),
    );
    return new FileContent(file, options);
  }

  /** The bytes of the file at `path`, or of a range of it. */
  async getBytes(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return (await this.get(path, options)).bytes();
  }

  /**
   * Opens a file for many reads. They see the content of this moment, and need the coordinator only when the file has more
   * than 4,096 chunks.
   */
  open(path: string, options: CallerOptions = {}): Promise<OpenedFile> {
    return withCallerSignal(options.signal, () =>
      OpenedFile.open(path, this.#downloads, {
        signal: options.signal,
        chunkLimit: CHUNKS_WITH_OPEN,
      }),
    );
  }

  /** Adds to the end of the file at `path`, which is made if need be; chunks that are full are not moved. */
  append(path: string, source: UploadSource, options: PutOptions = {}): Promise<PutResult> {
    return withCallerSignal(options.signal, () =>
      rewrite(this.#uploads, path, {
        ...options,
        open: () => ifThere(() => this.open(path, options)),
        keepBytes: (sizeBytes) => sizeBytes,
        extra: replay(source, this.#uploads.disk),
      }),
    );
  }

  /** Cuts the file at `path` to this length, or extends it with zeros. */
  truncate(path: string, sizeBytes: number, options: PutOptions = {}): Promise<PutResult> {
    return withCallerSignal(options.signal, () =>
      rewrite(this.#uploads, path, {
        ...options,
        open: () => this.open(path, options),
        keepBytes: () => sizeBytes,
        extra: (oldSizeBytes) => zeros(Math.max(0, sizeBytes - oldSizeBytes)),
      }),
    );
  }

  /** Makes the file at `path` a local file, whole or not at all. */
  async download(
    path: string,
    localFile: string,
    options: DownloadOptions = {},
  ): Promise<FileEntry> {
    const { signal } = options;
    const file = await withCallerSignal(signal, () =>
      OpenedFile.open(path, this.#downloads, { signal, chunkLimit: CHUNKS_WITH_GET }),
    );
    const parts = { disk: this.#uploads.disk, random: this.#config.random };
    return downloadFile(file, localFile, parts, options);
  }

  /** What is at `path`; `pathNotFound` when nothing is. */
  async stat(path: string, { signal }: CallerOptions = {}): Promise<FileEntry> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.stat({ path }, options),
    );
    return entryFromWire(reply.entry, path);
  }

  /** The children of a directory, in byte order of their names (a directory's ends with "/"). */
  list(path: string, options: ListOptions = {}): AsyncGenerator<FileEntry, void, undefined> {
    return new EntryListing(this.listPages(path, options));
  }

  /** The same page by page: for large directories the cheaper way. */
  listPages(path: string, options: ListOptions = {}): AsyncGenerator<ListPage, void, undefined> {
    return listPages((after) => this.listPage(path, { ...options, after }), options.after);
  }

  /** One page of a listing. */
  async listPage(path: string, options: ListOptions = {}): Promise<ListPage> {
    const { signal, pageSize = 0, after = "" } = options;
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.list({ path, after, limit: pageSize }, callOptions),
    );
    return pageFromWire(path, reply);
  }

  /** Everything below `path`, each directory before its children. */
  walk(path: string, options: CallerOptions = {}): AsyncGenerator<FileEntry, void, undefined> {
    return walkTree(
      (directory, listOptions) => this.list(directory, listOptions),
      path,
      options,
      (error) => hasReason(error, "pathNotFound", "notADirectory"),
    );
  }

  /** What the tree at `path` adds up to; a file counts as a tree of one. */
  async du(path: string, options: CallerOptions = {}): Promise<TreeUsage> {
    const entry = await this.stat(path, options);
    return usageOf(entry.kind === "file" ? [entry] : this.walk(path, options));
  }

  /** Makes a directory. */
  async mkdir(path: string, options: MakeDirectoryOptions = {}): Promise<FileEntry> {
    const { signal, policy, parents = false } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.makeDirectory(
        {
          path,
          parents,
          attributes: attributesToWire(options),
          ...(policy !== undefined && { policy: policyToWire(policy) }),
        },
        callOptions,
      ),
    );
    return entryFromWire(reply.entry, path);
  }

  /** Moves a file or a directory of any size, atomically. A file replaces a file; nothing replaces a directory. */
  async rename(source: string, target: string, options: MoveOptions = {}): Promise<FileEntry> {
    const { signal, noReplace = false, parents = false } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.rename({ source, target, noReplace, parents }, callOptions),
    );
    return entryFromWire(reply.entry, target);
  }

  /**
   * Removes a file or an empty directory; with `recursive` a tree of any size at once. It goes to the trash, from where it can
   * be restored for as long as the policy of its directory says.
   */
  async remove(path: string, options: RemoveOptions = {}): Promise<RemoveResult> {
    const { signal, recursive = false, forever = false, precondition } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.remove(
        {
          path,
          recursive,
          forever,
          ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
        },
        callOptions,
      ),
    );
    const isTrashed = reply.trashId !== 0n;
    return {
      trashId: isTrashed ? count(reply.trashId) : undefined,
      trashDueMs: isTrashed ? count(reply.trashDueMs) : undefined,
    };
  }

  /** Copies a file of any size without moving its bytes. */
  async copy(source: string, target: string, options: CopyOptions = {}): Promise<FileEntry> {
    const { signal, noReplace = false, parents = false, attributes } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.copy(
        {
          source,
          target,
          noReplace,
          parents,
          ...(attributes !== undefined && { attributes: attributesToWire(attributes) }),
        },
        callOptions,
      ),
    );
    return entryFromWire(reply.entry, target);
  }

  /** Changes what is said of a file or directory; what is absent stays. */
  async setAttributes(path: string, options: SetAttributesOptions): Promise<FileEntry> {
    const { signal, policy, precondition } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.setAttributes(
        {
          path,
          attributes: attributesToWire(options),
          ...(policy !== undefined && { policy: policyToWire(policy) }),
          ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
        },
        callOptions,
      ),
    );
    return entryFromWire(reply.entry, path);
  }

  /** Checks that records agree with each other and with what nodes hold, and mends with `repair`, while the cluster is in use. */
  check(options: CheckOptions = {}): AsyncGenerator<CheckEvent, void, undefined> {
    return checkCluster(this.#coordinator, options);
  }

  /** The change feed, until the signal fires or the loop is left. */
  watch(options: WatchOptions = {}): AsyncGenerator<FileChange, void, undefined> {
    return watchChanges(this.#coordinator, this.#config, options);
  }

  /** The state of the cluster as the coordinator knows it. */
  async clusterState({ signal }: CallerOptions = {}): Promise<ClusterState> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.getClusterState({}, options),
    );
    return clusterState(reply);
  }

  /** Which bytes have too few copies, and how their repair is getting on. */
  redundancy(options: CallerOptions = {}): Promise<Redundancy> {
    return readRedundancy(this.#calls, options);
  }

  /** Of a file, part by part: which chunks lack copies, why, and when they will have them. */
  explain(path: string, options: ExplainOptions = {}): AsyncGenerator<ExplainedPart> {
    return explainFile(this.#calls, path, options);
  }

  /** The nodes of the cluster, as they are now. */
  async nodes({ signal }: CallerOptions = {}): Promise<readonly NodeInfo[]> {
    await withCallerSignal(signal, () => this.#nodes.resync(signal));
    return this.#nodes.all().map(nodeInfo);
  }

  /** Ends calls that are under way and lets go of all connections. */
  async close(): Promise<void> {
    this.#coordinator.close();
    await this.#pool.close();
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}
