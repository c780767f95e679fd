import type { FileEntry } from "@cairnfs/client/entry";
import { formatDuration } from "@cairnfs/config/units";
import { humanCount, humanSize, localTime, modeText } from "./format.ts";
import { showClusterPath } from "./path-spec.ts";

/** All that is known of a file or directory, as rows of a name and a value. */
export function statRows(entry: FileEntry): string[][] {
  const rows = entry.kind === "file" ? fileRows(entry) : directoryRows(entry);
  return [["path", showClusterPath(entry.path)], ...rows, ...commonRows(entry)];
}

function fileRows(entry: FileEntry): string[][] {
  const isInline = entry.chunkCount === 0;
  return [
    ["size", `${humanCount(entry.sizeBytes)} bytes (${humanSize(entry.sizeBytes)})`],
    [
      "chunks",
      isInline
        ? "none: it lives in the metadata"
        : `${humanCount(entry.chunkCount)} of up to ${humanSize(entry.chunkSizeBytes)}, ${entry.replicationFactor} copies wanted`,
    ],
    ["sha-256", entry.sha256 ?? "not computed"],
    ...(entry.contentType === "" ? [] : [["type", entry.contentType]]),
    ...objectRows(entry.object),
    ...(entry.versionId === undefined ? [] : [["version id", entry.versionId]]),
  ];
}

/** What S3 clients have said of a file, or want to compare. */
function objectRows(object: FileEntry["object"]): string[][] {
  if (object === undefined) return [];
  const { md5, partCount, encryption, tags, retentionMode, retainUntilMs, hasLegalHold } = object;
  const etag = `${Buffer.from(md5).toString("hex")}${partCount === 0 ? "" : `-${partCount}`}`;
  const mode = retentionMode === 2 ? "compliance" : "governance";
  return [
    ...(md5.byteLength === 0 ? [] : [["etag", etag]]),
    ...(encryption.byteLength === 0 ? [] : [["encrypted", "yes: plain through S3 alone"]]),
    ...Object.entries(tags).map(([name, value]) => [`tag ${name}`, value]),
    ...(retentionMode === 0 ? [] : [["locked", `${mode}, until ${localTime(retainUntilMs)}`]]),
    ...(hasLegalHold ? [["held", "yes, until the legal hold is lifted"]] : []),
  ];
}

function directoryRows({ policy }: FileEntry): string[][] {
  const settings = [
    policy?.chunkSizeBytes === undefined ? "" : `chunks of ${humanSize(policy.chunkSizeBytes)}`,
    policy?.replicationFactor === undefined ? "" : `${policy.replicationFactor} copies`,
    policy?.trashMs === undefined ? "" : `${formatDuration(policy.trashMs)} in the trash`,
  ].filter((setting) => setting !== "");
  return [
    ["kind", "directory"],
    ["policy", settings.length === 0 ? "inherited" : settings.join(", ")],
  ];
}

function commonRows(entry: FileEntry): string[][] {
  const bits = entry.mode.toString(8).padStart(4, "0");
  return [
    ["mode", `${modeText(entry.mode, entry.kind === "directory")} (${bits})`],
    ["modified", localTime(entry.modifiedMs)],
    ["created", localTime(entry.createdMs)],
    ...Object.entries(entry.userMetadata).map(([name, value]) => [`meta ${name}`, value]),
    ["inode", `${entry.inodeId}, version ${entry.version}`],
  ];
}
