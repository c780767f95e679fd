import type { CairnError } from "@cairnfs/base/errors";
import type {
  ObjectVersion as ObjectVersionMessage,
  RemoveObjectResponse,
} from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import { errorFromDetail } from "@cairnfs/protocol/rpc/status";
import { withCallerSignal } from "../abort.ts";
import type { CallerOptions } from "../client-options.ts";
import type { CoordinatorCalls } from "../coordinator-calls.ts";
import type { DownloadParts, ReadOptions } from "../download/opened-file.ts";
import { OpenedFile } from "../download/opened-file.ts";
import {
  attributesToWire,
  count,
  type EntryAttributes,
  type EntryPrecondition,
  entryFromWire,
  type FileEntry,
  preconditionToWire,
} from "../entry.ts";
import { put } from "../upload/put.ts";
import type { UploadSource } from "../upload/source.ts";
import type { PutResult, UploadParts } from "../upload/upload-parts.ts";
import { appendObject, type WriteObject } from "./append-object.ts";
import {
  type ListObjectsOptions,
  type ListVersionsOptions,
  listObjectsPage,
  listVersionsPage,
  type ObjectListPage,
  type VersionListPage,
} from "./list-objects.ts";
import { type ObjectAttributes, objectAttributesToWire } from "./object-attributes.ts";
import { type ObjectSaid, objectPut } from "./object-put.ts";

/** Which version of an object something is. */
export interface ObjectVersion {
  /** "null" for what was put while the bucket had no versioning; empty in a bucket that never had any. */
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isDeleteMarker: boolean;
  readonly modifiedMs: number;
}

export interface VersionOptions extends CallerOptions {
  /** The newest unless given. */
  readonly versionId?: string | undefined;
}

export interface OpenObjectOptions extends VersionOptions {
  /** The first byte of interest. */
  readonly offsetBytes?: number | undefined;
}

export interface PutObjectOptions extends EntryAttributes, ObjectSaid, CallerOptions {
  readonly precondition?: EntryPrecondition | undefined;
  /** The source's size, where it is known: it must have just this. */
  readonly sizeBytes?: number | undefined;
  /** How long a chunk of a stream waits for memory before it is sent while it comes; for ever unless given. */
  readonly memoryPatienceMs?: number | undefined;
  /** Adds to the object that is there, which must have this size and what the precondition says. */
  readonly appendAt?: number | undefined;
  /** Whether the SHA-256 of the content is kept; where that costs nothing it is, unless this is false. */
  readonly checksum?: boolean | undefined;
}

export interface RemoveObjectOptions extends VersionOptions {
  readonly precondition?: EntryPrecondition | undefined;
  /** Versions under governance retention may go too. */
  readonly bypassesGovernance?: boolean | undefined;
  /** Of a delete marker that is made: a user's id, empty for the root user. */
  readonly owner?: string | undefined;
}

/** One of several objects that are removed. */
export interface ObjectToRemove {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly precondition?: EntryPrecondition | undefined;
}

export interface RemoveManyOptions extends CallerOptions {
  readonly bypassesGovernance?: boolean | undefined;
  /** Of delete markers that are made: a user's id, empty for the root user. */
  readonly owner?: string | undefined;
}

/** Of one of several: that it was removed, or why it was not. */
export type RemovedOrNot = { readonly removed: RemovedObject } | { readonly error: CairnError };

/** An object, or a version of it. */
export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  /** It must have it; otherwise `preconditionFailed`. */
  readonly inodeId?: number | undefined;
}

export interface CopyObjectOptions extends EntryAttributes, CallerOptions {
  readonly precondition?: EntryPrecondition | undefined;
  /** Instead of the source's, whole; without it, the source's but for ACL, owner, retention and hold. */
  readonly object?: Partial<ObjectAttributes> | undefined;
}

export interface SetObjectOptions extends VersionOptions {
  /** The entry must have it; otherwise `preconditionFailed`. */
  readonly entryVersion?: number | undefined;
  readonly bypassesGovernance?: boolean | undefined;
}

export interface RenameObjectOptions extends CallerOptions {
  /** Both keys end with "/": all objects of that prefix move. */
  readonly isPrefix?: boolean | undefined;
  /** Of what is at the target. */
  readonly precondition?: EntryPrecondition | undefined;
  readonly sourcePrecondition?: EntryPrecondition | undefined;
}

export interface RemovedObject {
  /** Of the delete marker that was made, or of the version that went; empty when neither. */
  readonly versionId: string;
  /** A delete marker was made, or the version that went was one. */
  readonly isDeleteMarker: boolean;
  readonly existed: boolean;
}

/** An object without its bytes. */
export interface StatedObject {
  /** `undefined` for a delete marker. */
  readonly entry: FileEntry | undefined;
  readonly version: ObjectVersion;
}

/** An object as it was when it was opened: reads see that content whatever happens to the key. */
export interface OpenedObject extends StatedObject {
  /** `undefined` for a delete marker. */
  readonly file: OpenedFile | undefined;
  /** The bytes of a range, or all; none of a delete marker. */
  stream(options?: ReadOptions): AsyncGenerator<Uint8Array, void, undefined>;
}

const CHUNKS_WITH_GET = 256;

/** Files as the doors of object storage see them: by bucket and key, with versions. */
export class Objects {
  readonly #calls: CoordinatorCalls;
  readonly #uploads: UploadParts;
  readonly #downloads: DownloadParts;

  constructor(calls: CoordinatorCalls, uploads: UploadParts, downloads: DownloadParts) {
    this.#calls = calls;
    this.#uploads = uploads;
    this.#downloads = downloads;
  }

  /**
   * Makes `source` the object at `key`. When this resolves it is there whole and durable on a write quorum; when it rejects the key is
   * as it was. A bucket that is not there is `pathNotFound`.
   */
  put(
    bucket: string,
    key: string,
    source: UploadSource,
    options: PutObjectOptions = {},
  ): Promise<PutResult> {
    const write: WriteObject = (bytes, how) =>
      put(this.#uploads, objectPath(bucket, key), bytes, {
        ...how,
        object: objectPut(bucket, how),
      });
    const { appendAt, signal } = options;
    if (appendAt === undefined) return write(source, options);
    const open = () => this.get(bucket, key, { signal });
    return appendObject({ open, write, disk: this.#uploads.disk }, source, {
      ...options,
      appendAt,
    });
  }

  /** Opens an object or a version of it; `pathNotFound` or `versionNotFound` when there is none. */
  async get(bucket: string, key: string, options: OpenObjectOptions = {}): Promise<OpenedObject> {
    const { signal, versionId = "", offsetBytes = 0 } = options;
    const { coordinator, nodes } = this.#downloads;
    const reply = await withCallerSignal(signal, () =>
      coordinator.call(
        (client, callOptions) =>
          client.objects.openObject(
            {
              bucket,
              key,
              versionId,
              chunkLimit: CHUNKS_WITH_GET,
              offsetBytes: BigInt(Math.max(0, offsetBytes)),
              nodeTableVersion: nodes.version,
            },
            callOptions,
          ),
        { signal },
      ),
    );
    nodes.apply(reply.nodes);
    const path = objectPath(bucket, key);
    const entry = reply.entry && entryFromWire(reply.entry, path);
    const file = entry && OpenedFile.of(entry, reply, this.#downloads, CHUNKS_WITH_GET);
    return {
      entry,
      file,
      version: versionFromWire(reply.version),
      stream: (read) => (file === undefined ? nothing() : file.read(read)),
    };
  }

  /** What is said of an object or of a version of it; `pathNotFound` or `versionNotFound` when there is none. */
  async stat(bucket: string, key: string, options: VersionOptions = {}): Promise<StatedObject> {
    const { signal, versionId = "" } = options;
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.objects.statObject({ bucket, key, versionId }, callOptions),
    );
    return {
      entry: reply.entry && entryFromWire(reply.entry, objectPath(bucket, key)),
      version: versionFromWire(reply.version),
    };
  }

  /**
   * Without a version: what S3 calls a delete, which in a bucket with versioning makes a delete marker. With one: that version goes for good.
   * What is not there is no error.
   */
  async remove(
    bucket: string,
    key: string,
    options: RemoveObjectOptions = {},
  ): Promise<RemovedObject> {
    const { signal, versionId = "", precondition, bypassesGovernance = false } = options;
    const { owner = "" } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.objects.removeObject(
        {
          bucket,
          key,
          versionId,
          bypassGovernance: bypassesGovernance,
          owner,
          ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
        },
        callOptions,
      ),
    );
    return removedFromWire(reply);
  }

  /** The same of at most 1,000 objects in one call, in the order that they are named: each on its own, some may be refused. */
  async removeMany(
    bucket: string,
    objects: readonly ObjectToRemove[],
    options: RemoveManyOptions = {},
  ): Promise<readonly RemovedOrNot[]> {
    const { signal, bypassesGovernance = false, owner = "" } = options;
    const items = objects.map(({ key, versionId = "", precondition }) => ({
      key,
      versionId,
      ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
    }));
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.objects.removeObjects(
        { bucket, items, bypassGovernance: bypassesGovernance, owner },
        callOptions,
      ),
    );
    return reply.results.map(({ removed, error, errorMessage }) =>
      error === undefined
        ? { removed: removedFromWire(removed) }
        : { error: errorFromDetail(error, errorMessage) },
    );
  }

  /** Makes an object that shows the content of another, or of a version of it, or of itself: no bytes move. */
  async copy(
    source: ObjectName,
    bucket: string,
    key: string,
    options: CopyObjectOptions = {},
  ): Promise<FileEntry> {
    const { signal, precondition, object } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.objects.copyObject(
        {
          sourceBucket: source.bucket,
          sourceKey: source.key,
          sourceVersionId: source.versionId ?? "",
          sourceInodeId: BigInt(source.inodeId ?? 0),
          bucket,
          key,
          attributes: attributesToWire(options),
          ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
          ...(object !== undefined && { object: objectAttributesToWire(object) }),
        },
        callOptions,
      ),
    );
    return entryFromWire(reply.entry, objectPath(bucket, key));
  }

  /** Changes what is said of an object or of a version of it: `object` takes the place of all that was said. */
  async set(
    bucket: string,
    key: string,
    object: Partial<ObjectAttributes>,
    options: SetObjectOptions = {},
  ): Promise<FileEntry> {
    const { signal, versionId = "", entryVersion = 0, bypassesGovernance = false } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.objects.setObject(
        {
          bucket,
          key,
          versionId,
          entryVersion: BigInt(entryVersion),
          object: objectAttributesToWire(object),
          bypassGovernance: bypassesGovernance,
        },
        callOptions,
      ),
    );
    return entryFromWire(reply.entry, objectPath(bucket, key));
  }

  /** Moves an object, which replaces the one at the target, or all objects of a prefix: atomically, whatever their size and number. */
  async rename(
    bucket: string,
    sourceKey: string,
    key: string,
    options: RenameObjectOptions = {},
  ): Promise<FileEntry> {
    const { signal, isPrefix = false, precondition, sourcePrecondition } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.objects.renameObject(
        {
          bucket,
          sourceKey,
          key,
          isPrefix,
          ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
          ...(sourcePrecondition !== undefined && {
            sourcePrecondition: preconditionToWire(sourcePrecondition),
          }),
        },
        callOptions,
      ),
    );
    return entryFromWire(reply.entry, objectPath(bucket, key));
  }

  /** One page of the objects of a bucket and the common prefixes of their keys. */
  listPage(bucket: string, options: ListObjectsOptions = {}): Promise<ObjectListPage> {
    return listObjectsPage(this.#calls, bucket, options);
  }

  /** One page of the versions and delete markers of a bucket. */
  listVersionsPage(bucket: string, options: ListVersionsOptions = {}): Promise<VersionListPage> {
    return listVersionsPage(this.#calls, bucket, options);
  }
}

/** Where an object is in the tree. */
export function objectPath(bucket: string, key: string): string {
  return `/${bucket}/${key}`;
}

function versionFromWire(version: ObjectVersionMessage | undefined): ObjectVersion {
  return {
    versionId: version?.versionId ?? "",
    isLatest: version?.isLatest ?? true,
    isDeleteMarker: version?.isDeleteMarker ?? false,
    modifiedMs: count(version?.modifiedMs ?? 0n),
  };
}

function removedFromWire(removed: RemoveObjectResponse | undefined): RemovedObject {
  const { versionId = "", isDeleteMarker = false, existed = false } = removed ?? {};
  return { versionId, isDeleteMarker, existed };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
