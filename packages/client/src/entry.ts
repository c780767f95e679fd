import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { fromHex, toHex } from "@cairnfs/base/hex";
import {
  type AttributesSchema,
  type Entry,
  EntryKind,
  type PolicySchema,
  type PreconditionSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { type ObjectAttributes, objectAttributesFromWire } from "./objects/object-attributes.ts";

/** How files below a directory, or of one upload, are stored. What is absent is inherited from the directory above. */
export interface StoragePolicy {
  /** 64 KiB to 512 MiB. */
  readonly chunkSizeBytes?: number | undefined;
  /** Wanted copies of each chunk, 1 to 16. */
  readonly replicationFactor?: number | undefined;
  /** How long what is removed stays in the trash, at most 10 years; 0: it does not go there. */
  readonly trashMs?: number | undefined;
}

/** What a user says of a file or directory. What is absent is left as it is. */
export interface EntryAttributes {
  /** POSIX permission bits. */
  readonly mode?: number | undefined;
  readonly modifiedMs?: number | undefined;
  /** Empty removes it. */
  readonly contentType?: string | undefined;
  /** Replaces the whole map. */
  readonly userMetadata?: Readonly<Record<string, string>> | undefined;
}

/** What must be true of the entry for a change to happen; otherwise `pathExists` or `preconditionFailed`. */
export type EntryPrecondition =
  | { readonly mustNotExist: true }
  | { readonly version: number }
  | { readonly inodeId: number };

/** One file or directory. */
export interface FileEntry {
  readonly kind: "file" | "directory";
  /** Absolute, as it was asked for. */
  readonly path: string;
  /** The last component of the path; empty for the root. */
  readonly name: string;
  readonly inodeId: number;
  readonly sizeBytes: number;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly mode: number;
  readonly contentType: string;
  readonly userMetadata: Readonly<Record<string, string>>;
  /** SHA-256 of the whole file in hexadecimal digits, when its writer computed it. */
  readonly sha256: string | undefined;
  readonly chunkSizeBytes: number;
  readonly replicationFactor: number;
  readonly chunkCount: number;
  /** Of a directory: what is set on it, not what it inherits. */
  readonly policy: StoragePolicy | undefined;
  /** Grows with each change of the entry. */
  readonly version: number;
  /** Of a file: identifies its bytes; a copy shares it. */
  readonly contentId: number;
  /** Of a file that was put as an object. */
  readonly object: ObjectAttributes | undefined;
  /** Of a file in a bucket that has or had versioning. */
  readonly versionId: string | undefined;
}

/** The entry at `path` as the wire has it. */
export function entryFromWire(entry: Entry | undefined, path: string): FileEntry {
  if (entry === undefined) {
    throw new CairnError("protocolViolation", `the coordinator sent no entry for ${path}`);
  }
  return {
    kind: entry.kind === EntryKind.DIRECTORY ? "directory" : "file",
    path,
    name: entry.name,
    inodeId: count(entry.inodeId),
    sizeBytes: count(entry.sizeBytes),
    createdMs: count(entry.createdMs),
    modifiedMs: count(entry.modifiedMs),
    mode: entry.mode,
    contentType: entry.contentType,
    userMetadata: entry.userMetadata,
    sha256: entry.sha256.byteLength === 0 ? undefined : toHex(entry.sha256),
    chunkSizeBytes: count(entry.chunkSizeBytes),
    replicationFactor: entry.replicationFactor,
    chunkCount: count(entry.chunkCount),
    policy:
      entry.policy === undefined
        ? undefined
        : {
            chunkSizeBytes:
              entry.policy.chunkSizeBytes === undefined
                ? undefined
                : count(entry.policy.chunkSizeBytes),
            replicationFactor: entry.policy.replicationFactor,
            trashMs: entry.policy.trashMs === undefined ? undefined : count(entry.policy.trashMs),
          },
    version: count(entry.version),
    contentId: count(entry.contentId),
    object: entry.object && objectAttributesFromWire(entry.object),
    versionId: entry.versionId === "" ? undefined : entry.versionId,
  };
}

/** A uint64 of the wire as a number; one that a number cannot hold is a `protocolViolation`. */
export function count(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new CairnError("protocolViolation", `${value} is more than any size or id can be`);
  }
  return number;
}

/** The same of a field whose 0 stands for nothing, as does a message that was not given. */
export function countUnlessZero(value: bigint | undefined): number | undefined {
  return value === undefined || value === 0n ? undefined : count(value);
}

export function attributesToWire(
  attributes: EntryAttributes,
): MessageInitShape<typeof AttributesSchema> {
  const { mode, modifiedMs, contentType, userMetadata } = attributes;
  return {
    ...(mode !== undefined && { mode: mode & 0o7777 }),
    ...(modifiedMs !== undefined && { modifiedMs: BigInt(Math.max(0, Math.trunc(modifiedMs))) }),
    ...(contentType !== undefined && { contentType }),
    ...(userMetadata !== undefined && { userMetadata: { values: { ...userMetadata } } }),
  };
}

export function policyToWire(policy: StoragePolicy): MessageInitShape<typeof PolicySchema> {
  const { chunkSizeBytes, replicationFactor, trashMs } = policy;
  return {
    ...(chunkSizeBytes !== undefined && { chunkSizeBytes: BigInt(chunkSizeBytes) }),
    ...(replicationFactor !== undefined && { replicationFactor }),
    ...(trashMs !== undefined && { trashMs: BigInt(trashMs) }),
  };
}

export function preconditionToWire(
  precondition: EntryPrecondition,
): MessageInitShape<typeof PreconditionSchema> {
  if ("mustNotExist" in precondition) {
    return { condition: { case: "mustNotExist", value: true } };
  }
  if ("version" in precondition) {
    return { condition: { case: "version", value: BigInt(precondition.version) } };
  }
  return { condition: { case: "inodeId", value: BigInt(precondition.inodeId) } };
}

/** How a file is made, as the calls that make one take it. */
export function fileTermsToWire(
  terms: EntryAttributes & {
    readonly precondition?: EntryPrecondition | undefined;
    readonly parents?: boolean | undefined;
  },
) {
  const { precondition } = terms;
  return {
    attributes: attributesToWire(terms),
    ...(precondition !== undefined && { precondition: preconditionToWire(precondition) }),
    parents: terms.parents === true,
  };
}

/** The bytes of an id that a user keeps as hexadecimal digits; `invalidArgument` for anything else. */
export function idFromHex(digits: string, what: string): Uint8Array {
  const bytes = fromHex(digits);
  if (bytes === undefined || bytes.byteLength === 0) {
    throw new CairnError("invalidArgument", `${what} is hexadecimal digits, not ${digits}`);
  }
  return bytes;
}

/** The directory that a path is in; of the root, itself. */
export function parentPath(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}

/** The path of a child of `directory`. */
export function childPath(directory: string, name: string): string {
  return directory.endsWith("/") ? `${directory}${name}` : `${directory}/${name}`;
}
