import { CairnError } from "@cairnfs/base/errors";
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from "@cairnfs/protocol/chunk-id";
import type { Attributes, Policy } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { NO_POLICY, type PolicyRecord } from "./entry.ts";
import { wholeNumber } from "./whole-number.ts";

export const MODE_MAX = 0o7777;
export const CONTENT_TYPE_BYTES_MAX = 255;
export const USER_METADATA_BYTES_MAX = 8 * 1024;
export const REPLICATION_FACTOR_MAX = 16;
export const TRASH_MS_MAX = 3650 * 86_400_000;

/** What a user says of a file or directory; what is absent stays as it is. */
export interface AttributeChanges {
  readonly mode: number | undefined;
  readonly modifiedMs: number | undefined;
  readonly contentType: string | undefined;
  readonly userMetadata: ReadonlyMap<string, string> | undefined;
}

export const NO_CHANGES: AttributeChanges = {
  mode: undefined,
  modifiedMs: undefined,
  contentType: undefined,
  userMetadata: undefined,
};

/** Attributes from the wire; what is over a limit is refused as `invalidArgument`. */
export function parseAttributes(message: Attributes | undefined): AttributeChanges {
  if (message === undefined) return NO_CHANGES;
  const { mode, modifiedMs, contentType, userMetadata } = message;
  if (mode !== undefined && mode > MODE_MAX) {
    throw new CairnError("invalidArgument", `mode is 0${mode.toString(8)}, expected at most 07777`);
  }
  if (contentType !== undefined && Buffer.byteLength(contentType) > CONTENT_TYPE_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `content_type has more than ${CONTENT_TYPE_BYTES_MAX} bytes`,
    );
  }
  return {
    mode,
    modifiedMs: modifiedMs === undefined ? undefined : wholeNumber(modifiedMs, "modified_ms"),
    contentType,
    userMetadata: userMetadata === undefined ? undefined : parseUserMetadata(userMetadata.values),
  };
}

function parseUserMetadata(values: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const metadata = new Map(Object.entries(values));
  let sizeBytes = 0;
  for (const [name, value] of metadata) {
    if (name === "") throw new CairnError("invalidArgument", "user_metadata has an empty name");
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (sizeBytes > USER_METADATA_BYTES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `user_metadata has ${sizeBytes} bytes, expected at most ${USER_METADATA_BYTES_MAX}`,
      { details: { sizeBytes, sizeBytesMax: USER_METADATA_BYTES_MAX } },
    );
  }
  return metadata;
}

/** A policy from the wire; what is outside the limits is refused as `invalidArgument`. */
export function parsePolicy(message: Policy | undefined): PolicyRecord {
  if (message === undefined) return NO_POLICY;
  const { replicationFactor } = message;
  const chunkSizeBytes =
    message.chunkSizeBytes === undefined
      ? undefined
      : wholeNumber(message.chunkSizeBytes, "chunk_size_bytes");
  if (
    chunkSizeBytes !== undefined &&
    (chunkSizeBytes < CHUNK_BYTES_MIN || chunkSizeBytes > CHUNK_BYTES_MAX)
  ) {
    throw new CairnError(
      "invalidArgument",
      `chunk_size_bytes is ${chunkSizeBytes}, expected ${CHUNK_BYTES_MIN} to ${CHUNK_BYTES_MAX}`,
    );
  }
  if (
    replicationFactor !== undefined &&
    (replicationFactor < 1 || replicationFactor > REPLICATION_FACTOR_MAX)
  ) {
    throw new CairnError(
      "invalidArgument",
      `replication_factor is ${replicationFactor}, expected 1 to ${REPLICATION_FACTOR_MAX}`,
    );
  }
  const trashMs =
    message.trashMs === undefined ? undefined : wholeNumber(message.trashMs, "trash_ms");
  if (trashMs !== undefined && trashMs > TRASH_MS_MAX) {
    throw new CairnError(
      "invalidArgument",
      `trash_ms is ${trashMs}, expected at most ${TRASH_MS_MAX}, which is 10 years`,
    );
  }
  return { chunkSizeBytes, replicationFactor, trashMs };
}
