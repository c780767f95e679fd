/** The CairnFS SDK: everything that is public, by name. */
// biome-ignore lint/performance/noBarrelFile: the one public index of the house, written by hand.
export {
  CairnError,
  type ErrorDetails,
  hasReason,
  isReason,
  Reason,
  type Retry,
} from "@cairnfs/base/errors";
export { isBucketName } from "@cairnfs/protocol/bucket-name";
export type {
  Access,
  AccessKey,
  CreateKeyOptions,
  CreateUserOptions,
  EnsureRootKeyOptions,
  FoundAccessKey,
  KnownKeyPair,
  ListKeysOptions,
  NewAccessKey,
  User,
  UserChoice,
} from "./access.ts";

export type { CheckEvent, CheckFinding, CheckOptions } from "./check-cluster.ts";
export { CairnClient, connect } from "./client.ts";
export type {
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
export type { ClientParts } from "./client-wiring.ts";
export type { ClusterState } from "./cluster-state.ts";
export type { ConnectOptions } from "./config.ts";
export type { TreeUsage } from "./directory.ts";
export type { DownloadOptions, DownloadProgress } from "./download/download-file.ts";
export { FileContent, OpenedFile, type ReadOptions } from "./download/opened-file.ts";
export type { ByteRange } from "./download/range.ts";
export type {
  EntryAttributes,
  EntryPrecondition,
  FileEntry,
  StoragePolicy,
} from "./entry.ts";
export { CairnFileHandle } from "./fs/file-handle.ts";
export { CairnFileSystem } from "./fs/file-system.ts";
export { FileSystemError } from "./fs/node-error.ts";
export { FileDirent, FileStats } from "./fs/stats.ts";
export type {
  DrainOptions,
  Members,
  MovePlan,
  MoveState,
  NodeDrain,
  PlanOptions,
  RemoveNodeOptions,
} from "./members.ts";
export type { NodeInfo, NodeStateName } from "./node-table.ts";
export type {
  BucketDetails,
  BucketInfo,
  BucketListPage,
  Buckets,
  BucketVersioning,
  CreateBucketOptions,
  DefaultRetention,
  ListBucketsOptions,
  SetBucketOptions,
} from "./objects/buckets.ts";
export type { LifecycleRule } from "./objects/lifecycle-rules.ts";
export type {
  ListedObject,
  ListedVersion,
  ListObjectsOptions,
  ListVersionsOptions,
  ObjectListPage,
  VersionListPage,
} from "./objects/list-objects.ts";
export type {
  CompletedPart,
  CompleteMultipartOptions,
  CopyPartOptions,
  CreateMultipartOptions,
  ListedMultipart,
  ListMultipartsOptions,
  MultipartListPage,
  Multiparts,
  MultipartUpload,
  ObjectPart,
  PartSource,
  PartsPage,
  PartsPageOptions,
  PutPart,
  PutPartOptions,
} from "./objects/multiparts.ts";
export type { ObjectAttributes, ObjectChecksum } from "./objects/object-attributes.ts";
export type {
  CopyObjectOptions,
  ObjectName,
  Objects,
  ObjectToRemove,
  ObjectVersion,
  OpenedObject,
  OpenObjectOptions,
  PutObjectOptions,
  RemovedObject,
  RemovedOrNot,
  RemoveManyOptions,
  RemoveObjectOptions,
  RenameObjectOptions,
  SetObjectOptions,
  StatedObject,
  VersionOptions,
} from "./objects/objects.ts";
export type {
  CopyFindingName,
  DebtTotal,
  ExplainedChunk,
  ExplainedCopy,
  ExplainedPart,
  ExplainOptions,
  ForecastName,
  Redundancy,
  RepairState,
} from "./redundancy.ts";
export type {
  NodeScrub,
  NodeScrubReport,
  ScrubOptions,
  ScrubStatus,
  Scrubs,
  ScrubTotals,
} from "./scrubs.ts";
export type {
  EmptyTrashOptions,
  ListTrashOptions,
  Reclaimable,
  ReclaimableBytes,
  RestoreOptions,
  Trash,
  TrashItem,
  TrashSize,
} from "./trash.ts";
export type { LocalFileSource, UploadSource } from "./upload/source.ts";
export type { UploadFileOptions } from "./upload/upload-file.ts";
export type { PutOptions, PutResult, UploadProgress } from "./upload/upload-parts.ts";
export type { FileChange, WatchOptions } from "./watch-changes.ts";
