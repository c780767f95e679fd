import type { MessageInitShape } from "@bufbuild/protobuf";
import { EntryKind, type EntrySchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { decodeObjectAttributes } from "../objects/object-attributes.ts";
import { versionIdOf } from "../objects/version-id.ts";
import type { EntryRecord, PolicyRecord } from "./entry.ts";

const NONE: Readonly<Record<string, string>> = {};

/** An entry as clients see it. `isVersioned` says that its bucket has or had versioning: then one without a sequence is "null". */
export function entryMessage(
  name: string,
  entry: EntryRecord,
  isVersioned = false,
): MessageInitShape<typeof EntrySchema> {
  const common = {
    name,
    inodeId: BigInt(entry.inodeId),
    createdMs: BigInt(entry.createdMs),
    modifiedMs: BigInt(entry.modifiedMs),
    mode: entry.mode,
    contentType: entry.contentType,
    userMetadata: entry.userMetadata.size === 0 ? NONE : Object.fromEntries(entry.userMetadata),
    version: BigInt(entry.version),
  };
  if (entry.kind === "directory") {
    return { kind: EntryKind.DIRECTORY, ...common, policy: policyMessage(entry.policy) };
  }
  return {
    kind: EntryKind.FILE,
    ...common,
    sizeBytes: BigInt(entry.sizeBytes),
    sha256: entry.sha256,
    chunkSizeBytes: BigInt(entry.chunkSizeBytes),
    replicationFactor: entry.replicationFactor,
    chunkCount: BigInt(entry.chunkCount),
    contentId: BigInt(entry.contentId),
    ...(entry.object === undefined ? {} : { object: decodeObjectAttributes(entry.object) }),
    ...(isVersioned || entry.sequence > 0 ? { versionId: versionIdOf(entry) } : {}),
  };
}

function policyMessage(policy: PolicyRecord) {
  const { chunkSizeBytes, replicationFactor, trashMs } = policy;
  return {
    ...(chunkSizeBytes === undefined ? {} : { chunkSizeBytes: BigInt(chunkSizeBytes) }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    ...(trashMs === undefined ? {} : { trashMs: BigInt(trashMs) }),
  };
}
