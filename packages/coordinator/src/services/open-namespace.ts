import { Bell } from "@cairnfs/base/bell";
import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Logger, Metrics } from "@cairnfs/base/telemetry";
import type { Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { type AccessHandlers, accessHandlers } from "../access/access-handlers.ts";
import { ensureRootUser } from "../access/users.ts";
import type { KnownNodes } from "../check/chunk-checks.ts";
import type { BadReplicaWorker } from "../chunks/bad-replica-worker.ts";
import type { ReplicaVerifier } from "../chunks/replica-verifier.ts";
import { AnswerWorker } from "../gc/answer-worker.ts";
import { ChangeLogWorker } from "../gc/change-log-worker.ts";
import { ChunkCollector } from "../gc/chunk-collector.ts";
import type { ChunkDeleter } from "../gc/chunk-deleter.ts";
import type { ChunkInventory } from "../gc/chunk-inventory.ts";
import { CompletedMultipartWorker } from "../gc/completed-multipart-worker.ts";
import { DropWorker } from "../gc/drop-worker.ts";
import { ExpiredUploadWorker } from "../gc/expired-upload-worker.ts";
import { HorizonWorker } from "../gc/horizon-worker.ts";
import { InventoryWorker } from "../gc/inventory-worker.ts";
import { TombstoneWorker } from "../gc/tombstone-worker.ts";
import type { ReplicaReadmission } from "../healing/replica-readmission.ts";
import { IdAllocator } from "../id-allocator.ts";
import { LifecycleWorker } from "../lifecycle/lifecycle-worker.ts";
import { type MultipartHandlers, multipartHandlers } from "../multipart/multipart-handlers.ts";
import { Mutator } from "../namespace/mutator.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { ensureRoot } from "../namespace/root.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { TrashWorker } from "../trash/trash-worker.ts";
import type { PlacementSource } from "../uploads/placements.ts";
import { type BucketHandlers, bucketHandlers } from "./bucket-handlers.ts";
import { type CheckHandlers, checkHandlers } from "./check-handlers.ts";
import { type NamespaceHandlers, namespaceHandlers } from "./namespace-handlers.ts";
import { type ObjectHandlers, objectHandlers } from "./object-handlers.ts";
import { type ReadHandlers, readHandlers } from "./read-handlers.ts";
import { type SmallFileHandlers, smallFileHandlers } from "./small-file-handlers.ts";
import { type TrashHandlers, trashHandlers } from "./trash-handlers.ts";
import { type UploadHandlers, uploadHandlers } from "./upload-handlers.ts";

export interface NamespaceServiceParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: NamespaceSettings;
  readonly nodes: PlacementSource;
  readonly deleter: ChunkDeleter;
  readonly inventory: ChunkInventory;
  /** Hears that something was removed, and may be in the trash. */
  readonly onRemove?: () => void;
  /** Hears that nodes are to be compared soon. */
  readonly onCompareSoon?: () => void;
  /** Run by its maker. */
  readonly badReplicas: BadReplicaWorker;
  /** Hears of chunks with copies too many. */
  readonly onSurplus: () => void;
  readonly readmission: Pick<ReplicaReadmission, "admit">;
  /** What checks ask of nodes; they are live, and their number was given to somebody. */
  readonly knownNodes: KnownNodes;
  readonly verifier: ReplicaVerifier;
  /** Hears that a check has mended something: a chunk may have fewer copies than before. */
  readonly onMended?: () => void;
}

/** Everything of the service that is not membership, and the background work that goes with it. */
export interface NamespaceService {
  readonly handlers: NamespaceHandlers & UploadHandlers & SmallFileHandlers & ReadHandlers;
  readonly trash: TrashHandlers;
  readonly buckets: BucketHandlers;
  readonly multiparts: MultipartHandlers;
  readonly objects: ObjectHandlers;
  readonly check: CheckHandlers;
  readonly access: AccessHandlers;
  /** As the others, and to be woken when something was removed. */
  readonly trashWorker: Worker;
  /** As the others, and to be woken when nodes come or are to be compared soon. */
  readonly inventories: InventoryWorker;
  /** Must be called for every change of the tree: it may have left something to take apart. */
  readonly noteChange: () => void;
  /** Must be called for nodes that came back or were removed: they may have copies to delete. */
  readonly noteNode: (nodeNumber: number) => void;
  /** What wakes some of the workers, by name, when there is something for them to do. */
  readonly bells: ReadonlyMap<string, Bell>;
  /** To be run by whoever is in charge of background work. They may run anywhere, but not twice at once. */
  readonly workers: readonly Worker[];
}

/** After each thousand rows that a check reads: others have their turn. */
const CHECK_PAUSE_MS = 1;

/** Makes the root of a new store and wires the namespace on it. */
export async function openNamespace(parts: NamespaceServiceParts): Promise<NamespaceService> {
  const { kv, clock, random, logger, settings, nodes, badReplicas } = parts;
  await kv.transact(async (tx) => {
    await ensureRoot(tx, nowMsOf(clock));
    await ensureRootUser(tx, nowMsOf(clock), random);
  });
  const mutator = new Mutator({ kv, clock, settings, ids: new IdAllocator(kv) });
  const horizon = new HorizonWorker(kv, clock, settings.receiptLifeMs);
  const onEpochUsed = () => horizon.noteUse();
  const bells = {
    tombstones: new Bell(clock),
    chunks: new Bell(clock),
    drops: new Bell(clock),
    lifecycle: new Bell(clock),
  };
  const onEnded = () => bells.tombstones.ring();
  const onGarbage = () => bells.chunks.ring();
  const onDecided = () => bells.drops.ring();
  const isLive = (nodeNumber: number) => nodes.isLive(nodeNumber);
  const { deleter } = parts;
  const inventories = new InventoryWorker({ ...parts, onUnnamed: onEpochUsed });
  const onKept = (nodeNumber: number) => {
    inventories.compareSoon([nodeNumber], nowMsOf(clock));
    parts.onCompareSoon?.();
  };
  const dropWorker = new DropWorker({ kv, clock, settings, deleter, isLive, onKept, logger });
  return {
    handlers: {
      ...namespaceHandlers({ kv, mutator, onRemove: () => parts.onRemove?.() }),
      ...uploadHandlers({ ...parts, mutator, onEpochUsed }),
      ...smallFileHandlers({ ...parts, mutator, onEpochUsed }),
      ...readHandlers({ kv, clock, nodes, badReplicas }),
    },
    inventories,
    trash: trashHandlers({ kv, mutator }),
    objects: objectHandlers({ kv, mutator, nodes, onRemove: () => parts.onRemove?.() }),
    buckets: bucketHandlers({ kv, mutator, onLifecycle: () => bells.lifecycle.ring() }),
    multiparts: multipartHandlers({ kv, clock, random, mutator, onEnded }),
    access: accessHandlers({ kv, mutator, random }),
    check: checkHandlers({
      ...parts,
      mutator,
      nodes: parts.knownNodes,
      pauseMs: CHECK_PAUSE_MS,
      onMended: () => parts.onMended?.(),
    }),
    trashWorker: new TrashWorker({ kv, clock, settings }),
    noteChange: () => bells.tombstones.ring(),
    noteNode: (nodeNumber) => {
      dropWorker.noteNode(nodeNumber);
      bells.drops.ring();
    },
    bells: new Map([
      ["tombstones", bells.tombstones],
      ["chunk-collector", bells.chunks],
      ["drops", bells.drops],
      ["lifecycle", bells.lifecycle],
    ]),
    workers: [
      new ExpiredUploadWorker(kv, clock, onEnded),
      new TombstoneWorker({ kv, clock, settings, onGarbage }),
      new ChunkCollector({ kv, clock, settings, onDecided }),
      dropWorker,
      horizon,
      new CompletedMultipartWorker(kv, clock),
      new AnswerWorker(kv, clock, settings.idempotencyMs),
      new ChangeLogWorker({ kv, clock, settings }),
      new LifecycleWorker({ ...parts, mutator, onEnded }),
    ],
  };
}
