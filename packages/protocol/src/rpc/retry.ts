import type { DescMethod } from "@bufbuild/protobuf";
import type { BackoffLimits } from "@cairnfs/base/backoff";
import { CairnError, type Reason } from "@cairnfs/base/errors";

/**
 * How often a client tries again by itself. The deadline of the call bounds all attempts together.
 */
export interface RetryPolicy {
  /** 1 means never again. */
  readonly attemptsMax: number;
  readonly pause: BackoffLimits;
}

export const RETRY_DEFAULT: RetryPolicy = {
  attemptsMax: 5,
  pause: { baseMs: 50, capMs: 2_000 },
};
export const RETRY_NEVER: RetryPolicy = { attemptsMax: 1, pause: { baseMs: 0, capMs: 0 } };

/**
 * Whether a call may be repeated: "idempotent" by what it does, "keyed" because all attempts carry one
 * idempotency key. A method that is not here, and every stream, is never repeated by the client.
 */
export type Repeatable = "idempotent" | "keyed";

const REPEATABLE: Readonly<Record<string, Repeatable>> = {
  "cairn.v1.CoordinatorService.Stat": "idempotent",
  "cairn.v1.CoordinatorService.List": "idempotent",
  "cairn.v1.CoordinatorService.MakeDirectory": "keyed",
  "cairn.v1.CoordinatorService.Rename": "keyed",
  "cairn.v1.CoordinatorService.Remove": "keyed",
  "cairn.v1.CoordinatorService.Copy": "keyed",
  "cairn.v1.CoordinatorService.SetAttributes": "keyed",
  "cairn.v1.CoordinatorService.PutFile": "keyed",
  "cairn.v1.CoordinatorService.BeginUpload": "keyed",
  "cairn.v1.CoordinatorService.GetUpload": "idempotent",
  "cairn.v1.CoordinatorService.LeasePlacements": "idempotent",
  "cairn.v1.CoordinatorService.LeaseFiles": "idempotent",
  "cairn.v1.CoordinatorService.FindChunks": "idempotent",
  "cairn.v1.CoordinatorService.AddChunks": "keyed",
  "cairn.v1.CoordinatorService.CommitUpload": "keyed",
  "cairn.v1.CoordinatorService.AbortUpload": "keyed",
  "cairn.v1.CoordinatorService.OpenFile": "idempotent",
  "cairn.v1.CoordinatorService.GetChunkMap": "idempotent",
  "cairn.v1.CoordinatorService.ReportBadReplica": "idempotent",
  "cairn.v1.CoordinatorService.RegisterNode": "idempotent",
  "cairn.v1.CoordinatorService.Heartbeat": "idempotent",
  "cairn.v1.CoordinatorService.GetNodeTable": "idempotent",
  "cairn.v1.CoordinatorService.GetClusterState": "idempotent",
  "cairn.v1.ObjectService.StatObject": "idempotent",
  "cairn.v1.ObjectService.OpenObject": "idempotent",
  "cairn.v1.ObjectService.RemoveObject": "keyed",
  "cairn.v1.ObjectService.RemoveObjects": "keyed",
  "cairn.v1.ObjectService.CopyObject": "keyed",
  "cairn.v1.ObjectService.SetObject": "keyed",
  "cairn.v1.ObjectService.RenameObject": "keyed",
  "cairn.v1.ObjectService.ListObjects": "idempotent",
  "cairn.v1.ObjectService.ListVersions": "idempotent",
  "cairn.v1.NodeService.DrainNode": "idempotent",
  "cairn.v1.NodeService.UndrainNode": "idempotent",
  "cairn.v1.NodeService.StartRebalance": "idempotent",
  "cairn.v1.NodeService.GetMoves": "idempotent",
  "cairn.v1.BucketService.CreateBucket": "keyed",
  "cairn.v1.BucketService.StatBucket": "idempotent",
  "cairn.v1.BucketService.ListBuckets": "idempotent",
  "cairn.v1.BucketService.RemoveBucket": "keyed",
  "cairn.v1.BucketService.SetBucket": "keyed",
  "cairn.v1.TrashService.ListTrash": "idempotent",
  "cairn.v1.TrashService.RestoreTrash": "keyed",
  "cairn.v1.TrashService.EmptyTrash": "keyed",
  "cairn.v1.TrashService.GetReclaimable": "idempotent",
  // Repeated it begins anew, which is what was asked for.
  "cairn.v1.RedundancyService.GetRedundancy": "idempotent",
  "cairn.v1.RedundancyService.ExplainFile": "idempotent",
  "cairn.v1.ScrubService.StartScrub": "idempotent",
  "cairn.v1.ScrubService.GetScrub": "idempotent",
  "cairn.v1.EncryptionService.GetMasterKey": "idempotent",
  "cairn.v1.AccessService.CreateUser": "keyed",
  "cairn.v1.AccessService.ListUsers": "idempotent",
  "cairn.v1.AccessService.FindUser": "idempotent",
  "cairn.v1.AccessService.RemoveUser": "keyed",
  "cairn.v1.AccessService.SetUserPolicy": "keyed",
  "cairn.v1.AccessService.CreateAccessKey": "keyed",
  "cairn.v1.AccessService.ListAccessKeys": "idempotent",
  "cairn.v1.AccessService.SetAccessKey": "keyed",
  "cairn.v1.AccessService.RemoveAccessKey": "keyed",
  "cairn.v1.AccessService.FindAccessKey": "idempotent",
  "cairn.v1.AccessService.EnsureRootKey": "keyed",
  "cairn.v1.MultipartService.CreateMultipart": "keyed",
  "cairn.v1.MultipartService.StatMultipart": "idempotent",
  "cairn.v1.MultipartService.CopyPart": "keyed",
  "cairn.v1.MultipartService.ListParts": "idempotent",
  "cairn.v1.MultipartService.ListMultiparts": "idempotent",
  "cairn.v1.MultipartService.CompleteMultipart": "keyed",
  "cairn.v1.MultipartService.AbortMultipart": "keyed",
  "cairn.v1.MultipartService.GetContentParts": "idempotent",
  "cairn.v1.DataNodeService.ReplicateChunk": "idempotent",
  "cairn.v1.DataNodeService.DeleteChunks": "idempotent",
  "cairn.v1.DataNodeService.HasChunks": "idempotent",
  "cairn.v1.DataNodeService.ListChunks": "idempotent",
  "cairn.v1.DataNodeService.VerifyChunk": "idempotent",
  "cairn.v1.DataNodeService.HealthCheck": "idempotent",
};

/** Reasons that say nothing of the call itself: the way to the peer failed, and may be good again soon. */
const WAY_FAILED: ReadonlySet<Reason> = new Set([
  "peerGone",
  "unreachable",
  "shuttingDown",
  "stalled",
]);

/** Whether the method may be repeated, and why. */
export function repeatable(method: DescMethod): Repeatable | undefined {
  return REPEATABLE[`${method.parent.typeName}.${method.name}`];
}

/** Whether a repeatable call that failed with `error` deserves another attempt at the same peer. */
export function deservesRetry(error: unknown): error is CairnError {
  return (
    error instanceof CairnError && (error.retry === "after-pause" || WAY_FAILED.has(error.reason))
  );
}
