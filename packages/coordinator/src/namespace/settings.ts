import { CHUNK_BYTES_DEFAULT } from "@cairnfs/protocol/chunk-id";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The knobs of the namespace, of uploads and of the collector. */
export interface NamespaceSettings {
  /** Files of at most this size may be put with their bytes in the metadata store. */
  readonly inlineBytesMax: number;
  /** What applies where no directory says otherwise. */
  readonly defaultChunkSizeBytes: number;
  readonly defaultReplicationFactor: number;
  /** How long what is removed stays in the trash where no directory says otherwise; 0: it does not go there. */
  readonly trashMs: number;
  /** How long readers may go on with a content after its last entry is gone. */
  readonly contentGraceMs: number;
  /** How long a chunk without references is kept for somebody who refers to it again. */
  readonly chunkGraceMs: number;
  /** How long an unused upload session lives. */
  readonly sessionTtlMs: number;
  /** How long a commit may be repeated. */
  readonly committedSessionTtlMs: number;
  /** How long an upload in parts may be completed again. */
  readonly completedMultipartMs: number;
  /** How long at least a mutating call may be repeated under its idempotency key. */
  readonly idempotencyMs: number;
  /** How far back the change log reaches, in time and in changes. */
  readonly changeLogMs: number;
  readonly changeLogEntriesMax: number;
  /** How long receipts are good, roughly: the horizon follows the epoch at this distance. */
  readonly receiptLifeMs: number;
  /** How often what a node holds is compared with the records. */
  readonly inventoryIntervalMs: number;
  /** How long a day of a lifecycle rule lasts, and how often the rules are carried out. */
  readonly lifecycleDayMs: number;
  readonly lifecycleIntervalMs: number;
}

export const DEFAULT_NAMESPACE_SETTINGS: NamespaceSettings = {
  inlineBytesMax: 4096,
  defaultChunkSizeBytes: CHUNK_BYTES_DEFAULT,
  defaultReplicationFactor: 3,
  trashMs: 0,
  contentGraceMs: 10 * MINUTE_MS,
  chunkGraceMs: 10 * MINUTE_MS,
  sessionTtlMs: DAY_MS,
  committedSessionTtlMs: 10 * MINUTE_MS,
  completedMultipartMs: DAY_MS,
  idempotencyMs: 10 * MINUTE_MS,
  changeLogMs: 7 * DAY_MS,
  changeLogEntriesMax: 1_000_000,
  receiptLifeMs: DAY_MS,
  inventoryIntervalMs: DAY_MS,
  lifecycleDayMs: DAY_MS,
  lifecycleIntervalMs: DAY_MS,
};
