import type { Clock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import type { BucketDetails, CairnClient } from "@cairnfs/client";
import { S3Error } from "./errors.ts";

/** How long a bucket's record is taken as it was read. */
const FRESH_MS = 1_000;
const MAX_BUCKETS = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** What an entry takes beside its documents, about. */
const ENTRY_BYTES = 1_024;

interface Kept {
  readonly details: Promise<BucketDetails>;
  readonly readMs: number;
  sizeBytes: number;
}

/** The records of the buckets that requests were about in the last second. */
export class BucketCache {
  readonly #client: CairnClient;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  #sizeBytes = 0;

  constructor(client: CairnClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The bucket of this name, not older than a second; `NoSuchBucket` when there is none. */
  async get(name: string): Promise<BucketDetails> {
    const nowMs = this.#clock.monotonicMs();
    this.#trim(nowMs);
    return (this.#kept.get(name) ?? this.#read(name, nowMs)).details;
  }

  /** The same without a memory, for what is changed by what it is. */
  async read(name: string, signal: AbortSignal): Promise<BucketDetails> {
    return statBucket(this.#client, name, signal);
  }

  /** Called when a bucket was changed or removed here: it is read anew. */
  forget(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    this.#sizeBytes -= kept.sizeBytes;
  }

  /** Several requests may wait for it, so that none of them can abort it. */
  #read(name: string, nowMs: number): Kept {
    const details = statBucket(this.#client, name, undefined);
    const kept: Kept = { details, readMs: nowMs, sizeBytes: ENTRY_BYTES };
    this.#kept.set(name, kept);
    this.#sizeBytes += ENTRY_BYTES;
    details.then(
      (found) => this.#weigh(name, kept, found),
      () => {
        if (this.#kept.get(name) === kept) this.forget(name);
      },
    );
    return kept;
  }

  #weigh(name: string, kept: Kept, found: BucketDetails): void {
    if (this.#kept.get(name) !== kept) return;
    let sizeBytes = ENTRY_BYTES;
    for (const value of found.documents.values()) sizeBytes += value.byteLength;
    for (const { source } of found.lifecycle) sizeBytes += source?.byteLength ?? 0;
    this.#sizeBytes += sizeBytes - kept.sizeBytes;
    kept.sizeBytes = sizeBytes;
  }

  #trim(nowMs: number): void {
    for (const [name, kept] of this.#kept) {
      const isOver = this.#kept.size >= MAX_BUCKETS || this.#sizeBytes > MAX_BYTES;
      if (!isOver && nowMs - kept.readMs < FRESH_MS) return;
      this.forget(name);
    }
  }
}

async function statBucket(
  client: CairnClient,
  name: string,
  signal: AbortSignal | undefined,
): Promise<BucketDetails> {
  try {
    return await client.buckets.stat(name, { signal });
  } catch (error) {
    if (!hasReason(error, "pathNotFound", "invalidPath", "invalidArgument", "notADirectory")) {
      throw error;
    }
    throw noSuchBucket(name, error);
  }
}

/** The error for a bucket that is not there. */
export function noSuchBucket(name: string, cause: unknown): S3Error {
  return new S3Error("NoSuchBucket", { details: { BucketName: name }, cause });
}
