import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import {
  type BucketSchema,
  type BucketService,
  CreateBucketResponseSchema,
  type DefaultRetention,
  RemoveBucketResponseSchema,
  type SetBucketRequest,
  SetBucketResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { readDocuments } from "../buckets/bucket-documents.ts";
import {
  type DefaultRetentionRecord,
  RETENTION_MODE,
  VERSIONING,
  type VersioningState,
} from "../buckets/bucket-record.ts";
import { CREATE_BUCKET_IDS, createBucket } from "../buckets/create-bucket.ts";
import { decodeLifecycle, encodeLifecycle } from "../buckets/lifecycle-document.ts";
import { listBuckets } from "../buckets/list-buckets.ts";
import { type FoundBucket, requireBucket } from "../buckets/read-bucket.ts";
import { removeBucket } from "../buckets/remove-bucket.ts";
import { type SetBucket, setBucket } from "../buckets/set-bucket.ts";
import { bucketLifecycles } from "../keyspace.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { pageLimit, shortText } from "../namespace/request-limits.ts";
import { wholeNumber } from "../namespace/whole-number.ts";

export interface BucketParts {
  readonly kv: KvStore;
  readonly mutator: Mutator;
  /** Hears that the rules of a lifecycle may have changed. */
  readonly onLifecycle: () => void;
}

export type BucketHandlers = ServiceHandlers<typeof BucketService>;
type BucketMessage = MessageInitShape<typeof BucketSchema>;

const REGION_BYTES_MAX = 64;
/** As AWS has them. */
const RETENTION_DAYS_MAX = 36_500;
const RETENTION_YEARS_MAX = 100;
const NO_RETENTION = 0;

/** Answers what is asked of buckets. */
export function bucketHandlers({ kv, mutator, onLifecycle }: BucketParts): BucketHandlers {
  return {
    async createBucket(request, call) {
      const { name, hasObjectLock } = request;
      const wanted = {
        name,
        owner: shortText(request.owner, "owner"),
        region: shortText(request.region, "region", REGION_BYTES_MAX),
        hasObjectLock,
        documents: documentsOf(request),
      };
      return mutator.answer(
        call,
        CreateBucketResponseSchema,
        CREATE_BUCKET_IDS,
        async (mutation) => {
          const made = await createBucket(mutation, wanted);
          return { bucket: await wholeMessage(mutation.tx, made) };
        },
      );
    },

    async statBucket({ name }) {
      return kv.read(async (reader) => ({
        bucket: await wholeMessage(reader, await requireBucket(reader, name)),
      }));
    },

    async listBuckets({ after, prefix, limit }) {
      const page = { after, prefix, limit: pageLimit(limit) };
      const listed = await kv.read((reader) => listBuckets(reader, page));
      return { buckets: listed.buckets.map(bucketMessage), nextAfter: listed.nextAfter };
    },

    async removeBucket({ name }, call) {
      const removed = async (mutation: Parameters<typeof removeBucket>[0]) => {
        await removeBucket(mutation, name);
        return {};
      };
      return mutator.answer(call, RemoveBucketResponseSchema, 0, removed, FREES);
    },

    async setBucket(request, call) {
      const wanted = wantedOf(request);
      const answer = await mutator.answer(call, SetBucketResponseSchema, 1, async (mutation) => {
        const changed = await setBucket(mutation, wanted);
        return { bucket: await wholeMessage(mutation.tx, changed) };
      });
      if (wanted.lifecycle !== undefined) onLifecycle();
      return answer;
    },
  };
}

/** A bucket without what is in rows of its own. */
function bucketMessage({ name, entry, record }: FoundBucket) {
  const { defaultRetention } = record;
  return {
    name,
    inodeId: BigInt(entry.inodeId),
    createdMs: BigInt(entry.createdMs),
    owner: record.owner,
    versioning: record.versioning,
    hasObjectLock: record.hasObjectLock,
    version: BigInt(record.version),
    region: record.region,
    ...(defaultRetention === undefined ? {} : { defaultRetention }),
  } satisfies BucketMessage;
}

async function wholeMessage(reader: KvReader, found: FoundBucket): Promise<BucketMessage> {
  const { inodeId } = found.entry;
  const lifecycle = await bucketLifecycles.get(reader, inodeId);
  const documents = await readDocuments(reader, inodeId);
  return {
    ...bucketMessage(found),
    documents: documents.map(([name, value]) => ({ name, value })),
    ...(lifecycle === undefined ? {} : { lifecycle: decodeLifecycle(lifecycle) }),
  };
}

function wantedOf(request: SetBucketRequest): SetBucket {
  const { lifecycle } = request;
  return {
    name: request.name,
    versioning: versioningOf(request.versioning),
    hasObjectLock: request.hasObjectLock,
    defaultRetention:
      request.defaultRetention === undefined ? undefined : retentionOf(request.defaultRetention),
    lifecycle:
      lifecycle === undefined || lifecycle.rules.length > 0
        ? lifecycle && encodeLifecycle(lifecycle)
        : "none",
    documents: { put: documentsOf(request), removed: request.removedDocuments },
    expectedVersion: wholeNumber(request.expectedVersion, "expected_version"),
  };
}

function versioningOf(value: number | undefined): VersioningState | undefined {
  if (value === undefined) return undefined;
  const known = Object.values(VERSIONING).find((state) => state === value);
  if (known !== undefined && known !== VERSIONING.never) return known;
  throw new CairnError("invalidArgument", `versioning is ${value}, expected enabled or suspended`);
}

function retentionOf({ mode, days, years }: DefaultRetention): DefaultRetentionRecord | "none" {
  if (mode === NO_RETENTION && days === 0 && years === 0) return "none";
  const isPeriod =
    days > 0 !== years > 0 && days <= RETENTION_DAYS_MAX && years <= RETENTION_YEARS_MAX;
  const known = Object.values(RETENTION_MODE).find((one) => one === mode);
  if (isPeriod && known !== undefined) return { mode: known, days, years };
  throw new CairnError(
    "invalidArgument",
    `default_retention is of mode ${mode}, ${days} days and ${years} years, expected governance or compliance and either of up to ${RETENTION_DAYS_MAX} days or ${RETENTION_YEARS_MAX} years`,
  );
}

function documentsOf(request: Pick<SetBucketRequest, "documents">) {
  return request.documents.map(({ name, value }) => [name, value] as const);
}
