import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import {
  type Bucket as BucketMessage,
  type DefaultRetention as DefaultRetentionMessage,
  type DefaultRetentionSchema,
  RetentionMode,
  Versioning,
} from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import type { CallerOptions } from "../client-options.ts";
import type { CoordinatorCalls } from "../coordinator-calls.ts";
import { count } from "../entry.ts";
import { type LifecycleRule, rulesFromWire, rulesToWire } from "./lifecycle-rules.ts";

/** "never": the bucket has not had any. */
export type BucketVersioning = "never" | "enabled" | "suspended";

/** How long new versions are retained unless they say so themselves: so many days, or years. */
export interface DefaultRetention {
  readonly mode: "governance" | "compliance";
  readonly days?: number | undefined;
  readonly years?: number | undefined;
}

/** A directory at the root whose name is one for a bucket, and what is kept of it. */
export interface BucketInfo {
  readonly name: string;
  readonly inodeId: number;
  readonly createdMs: number;
  /** A user's id; empty: the root user. */
  readonly owner: string;
  readonly region: string;
  readonly versioning: BucketVersioning;
  readonly hasObjectLock: boolean;
  readonly defaultRetention: DefaultRetention | undefined;
  /** Grows with each change of the bucket. */
  readonly version: number;
}

/** A bucket with all that is kept of it. */
export interface BucketDetails extends BucketInfo {
  readonly lifecycle: readonly LifecycleRule[];
  /** What doors keep of it, by name: policy, cors, tagging, acl and others. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
}

export interface CreateBucketOptions extends CallerOptions {
  readonly owner?: string | undefined;
  readonly region?: string | undefined;
  /** With versioning from the beginning. */
  readonly hasObjectLock?: boolean | undefined;
  readonly documents?: ReadonlyMap<string, Uint8Array> | undefined;
}

export interface ListBucketsOptions extends CallerOptions {
  readonly after?: string | undefined;
  readonly prefix?: string | undefined;
  /** 1 to 1,000, which it is unless given. */
  readonly limit?: number | undefined;
}

export interface BucketListPage {
  readonly buckets: readonly BucketInfo[];
  /** `undefined` after the last page. A page may have fewer buckets than the limit, or none, and not be the last. */
  readonly nextAfter: string | undefined;
}

/** What is absent stays as it is. */
export interface SetBucketOptions extends CallerOptions {
  readonly versioning?: "enabled" | "suspended" | undefined;
  /** For good. */
  readonly hasObjectLock?: true | undefined;
  /** "none" takes it away. */
  readonly defaultRetention?: DefaultRetention | "none" | undefined;
  /** Instead of the rules that are there. */
  readonly lifecycle?: readonly LifecycleRule[] | undefined;
  readonly documents?: ReadonlyMap<string, Uint8Array> | undefined;
  readonly removedDocuments?: readonly string[] | undefined;
  /** The bucket must have it, otherwise `preconditionFailed`. */
  readonly expectedVersion?: number | undefined;
}

/** The buckets: directories at the root, as the doors of object storage see them. */
export class Buckets {
  readonly #calls: CoordinatorCalls;

  constructor(calls: CoordinatorCalls) {
    this.#calls = calls;
  }

  /** Makes a bucket. A name that is taken is `pathExists`, with the `owner` of the bucket that is there among its details. */
  async create(name: string, options: CreateBucketOptions = {}): Promise<BucketDetails> {
    const { signal, owner = "", region = "", hasObjectLock = false } = options;
    const documents = documentsToWire(options.documents);
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.buckets.createBucket({ name, owner, region, hasObjectLock, documents }, callOptions),
    );
    return detailsFromWire(reply.bucket, name);
  }

  /** The bucket of this name; `pathNotFound` when there is none. */
  async stat(name: string, { signal }: CallerOptions = {}): Promise<BucketDetails> {
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.buckets.statBucket({ name }, callOptions),
    );
    return detailsFromWire(reply.bucket, name);
  }

  /** Some buckets, in byte order of their names. */
  async listPage(options: ListBucketsOptions = {}): Promise<BucketListPage> {
    const { signal, after = "", prefix = "", limit = 0 } = options;
    const reply = await this.#calls.ask(signal, (client, callOptions) =>
      client.buckets.listBuckets({ after, prefix, limit }, callOptions),
    );
    return {
      buckets: reply.buckets.map(infoFromWire),
      nextAfter: reply.nextAfter === "" ? undefined : reply.nextAfter,
    };
  }

  /** Removes a bucket for good; `directoryNotEmpty` while it has objects, versions or delete markers. */
  async remove(name: string, { signal }: CallerOptions = {}): Promise<void> {
    await this.#calls.change(signal, (client, callOptions) =>
      client.buckets.removeBucket({ name }, callOptions),
    );
  }

  /**
   * Changes what is kept of a bucket. `conflictingState` for what it does not allow: versioning that was enabled can only be suspended, object lock
   * needs it and stays.
   */
  async set(name: string, options: SetBucketOptions): Promise<BucketDetails> {
    const { signal, versioning, hasObjectLock, defaultRetention, lifecycle } = options;
    const request = {
      name,
      ...(versioning !== undefined && { versioning: VERSIONING_NUMBERS[versioning] }),
      ...(hasObjectLock !== undefined && { hasObjectLock }),
      ...(defaultRetention !== undefined && {
        defaultRetention: retentionToWire(defaultRetention),
      }),
      ...(lifecycle !== undefined && { lifecycle: { rules: rulesToWire(lifecycle) } }),
      documents: documentsToWire(options.documents),
      removedDocuments: [...(options.removedDocuments ?? [])],
      expectedVersion: BigInt(options.expectedVersion ?? 0),
    };
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.buckets.setBucket(request, callOptions),
    );
    return detailsFromWire(reply.bucket, name);
  }
}

const VERSIONING_NUMBERS = {
  enabled: Versioning.ENABLED,
  suspended: Versioning.SUSPENDED,
} as const;

function infoFromWire(bucket: BucketMessage): BucketInfo {
  return {
    name: bucket.name,
    inodeId: count(bucket.inodeId),
    createdMs: count(bucket.createdMs),
    owner: bucket.owner,
    region: bucket.region,
    versioning: versioningFromWire(bucket.versioning),
    hasObjectLock: bucket.hasObjectLock,
    defaultRetention:
      bucket.defaultRetention === undefined
        ? undefined
        : retentionFromWire(bucket.defaultRetention),
    version: count(bucket.version),
  };
}

function detailsFromWire(bucket: BucketMessage | undefined, name: string): BucketDetails {
  if (bucket === undefined) {
    throw new CairnError("protocolViolation", `the coordinator sent no bucket for ${name}`);
  }
  return {
    ...infoFromWire(bucket),
    lifecycle: rulesFromWire(bucket.lifecycle?.rules ?? []),
    documents: new Map(bucket.documents.map((document) => [document.name, document.value])),
  };
}

function documentsToWire(documents: ReadonlyMap<string, Uint8Array> = new Map()) {
  return [...documents].map(([name, value]) => ({ name, value }));
}

function versioningFromWire(versioning: number): BucketVersioning {
  if (versioning === Versioning.ENABLED) return "enabled";
  return versioning === Versioning.SUSPENDED ? "suspended" : "never";
}

function retentionFromWire({ mode, days, years }: DefaultRetentionMessage): DefaultRetention {
  return {
    mode: mode === RetentionMode.COMPLIANCE ? "compliance" : "governance",
    ...(days > 0 ? { days } : { years }),
  };
}

function retentionToWire(
  retention: DefaultRetention | "none",
): MessageInitShape<typeof DefaultRetentionSchema> {
  if (retention === "none") return {};
  const { mode, days = 0, years = 0 } = retention;
  const number = mode === "compliance" ? RetentionMode.COMPLIANCE : RetentionMode.GOVERNANCE;
  return { mode: number, days, years };
}
