import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ByteBudget } from "@cairnfs/base/byte-budget";
import type { Disk } from "@cairnfs/base/disk";
import type {
  Node,
  ObjectAttributesSchema,
  ObjectTermsSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { ClientConfig } from "../config.ts";
import type { CoordinatorLink } from "../coordinator-link.ts";
import type { DataNodeClient } from "../download/replica-stream.ts";
import type { EntryAttributes, EntryPrecondition, FileEntry, StoragePolicy } from "../entry.ts";
import type { NodeHealth } from "../node-health.ts";
import type { NodeTable } from "../node-table.ts";
import type { FileLeases } from "../small-files/file-leases.ts";
import type { BufferPool } from "./buffer-pool.ts";

/** What uploads work with. */
export interface UploadParts {
  readonly config: ClientConfig;
  readonly coordinator: CoordinatorLink;
  readonly nodes: NodeTable;
  readonly health: NodeHealth;
  readonly budget: ByteBudget;
  readonly disk: Disk;
  readonly connect: (node: Node) => DataNodeClient;
  readonly limits: ClusterLimits;
  readonly buffers: BufferPool;
  readonly leases: FileLeases;
}

/** What this client has learnt of the cluster's settings. */
export interface ClusterLimits {
  /** Files up to this size are put in one call. */
  inlineBytes: number;
}

/** How a file is put. */
export interface PutOptions extends EntryAttributes, StoragePolicy {
  readonly signal?: AbortSignal | undefined;
  /** What must be true of the path, when the upload begins and again when it commits. */
  readonly precondition?: EntryPrecondition | undefined;
  /** Make missing directories above. */
  readonly parents?: boolean | undefined;
  /**
   * Whether the SHA-256 of the whole file is kept. Unless given, where it costs nothing: for files of one chunk, whose id it is, and smaller. The
   * bytes are verified by their chunks' ids in any case.
   */
  readonly checksum?: boolean | undefined;
  /** Ask for chunks that the cluster has before sending them: true unless given. */
  readonly dedupe?: boolean | undefined;
  /**
   * How long a chunk of a source that comes once waits for memory; for ever unless given. Then it is sent while it comes, and a node that
   * fails meanwhile fails the put: for sources that may be slow and must not keep others waiting.
   */
  readonly memoryPatienceMs?: number | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** How a file is put as an object, or as a part of one. */
export interface ObjectPut {
  /** Whatever the key, small objects of a bucket share the leases of this path. */
  readonly leasePath: string;
  /** It is put as a file of its own, which one call can do when it is small. */
  readonly isWhole: boolean;
  /** What an upload session of it is opened with. */
  readonly terms: MessageInitShape<typeof ObjectTermsSchema>;
  /** What is said of it. Asked when the source has been read to its end; every time the same. */
  attributes(): Promise<MessageInitShape<typeof ObjectAttributesSchema>>;
}

/** How a file is put, of whatever kind. */
export interface PutTerms extends PutOptions {
  readonly object?: ObjectPut | undefined;
  /** The source's size, where it is known and the source does not tell. */
  readonly sizeBytes?: number | undefined;
}

export interface UploadProgress {
  /** What is stored, or known to be there. */
  readonly doneBytes: number;
  /** When it is known. */
  readonly totalBytes: number | undefined;
  /** What nodes have taken over the network, repeats included. */
  readonly sentBytes: number;
  /** What did not need to be sent, because the cluster had it. */
  readonly skippedBytes: number;
}

export interface PutResult {
  readonly entry: FileEntry;
  /** What nodes took over the network, repeats included; 0 for a file that lives in its inode. */
  readonly sentBytes: number;
  /** What did not need to be sent, because the cluster had it. */
  readonly skippedBytes: number;
}

/** An upload session that is open. */
export interface UploadSession {
  readonly id: Uint8Array;
  readonly path: string;
  readonly chunkSizeBytes: number;
  readonly writeQuorum: number;
  /** Chunks that were added before this client took the session up. */
  readonly addedChunks: number;
  /** Nodes may have chunks of this session already: they are asked. */
  readonly isResumed: boolean;
}
