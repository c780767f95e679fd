import { CairnError } from "@cairnfs/base/errors";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { TOMB_KIND, tombstones } from "../keyspace.ts";
import { compose, type NumberedPart, PARTS_MAX } from "../namespace/compose.ts";
import { NO_BYTES } from "../namespace/content.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { contentId, domainId } from "../namespace/ids.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { parseKeyPath } from "../namespace/path.ts";
import type { Precondition } from "../namespace/precondition.ts";
import { inheritedPolicy, readRoot, walk } from "../namespace/resolve.ts";
import { putFile, type Slot, slotBelow } from "../namespace/slot.ts";
import { findMultipart, type MultipartName } from "./find-multipart.ts";
import {
  multipartExpiries,
  multipartKeys,
  multipartParts,
  multiparts,
} from "./multipart-tables.ts";

/** A part as it is when the caller looked; its content is another one when it was uploaded again since. */
export interface NamedPart {
  readonly number: number;
  readonly contentId: number;
}

export interface CompleteMultipart extends MultipartName {
  /** Ascending. */
  readonly parts: readonly NamedPart[];
  readonly precondition: Precondition;
  /** Of the whole object, encoded: instead of what the upload was created with. */
  readonly object: Uint8Array | undefined;
  /** The answer as it is kept for repeats. */
  readonly answer: (slot: Slot, entry: FileEntry) => Uint8Array;
}

/**
 * Makes the object of the parts that are named, in one transaction that writes a row for each of them; gives the answer. After
 * success it is remembered for a while: a repeated call gets the same.
 */
export async function completeMultipart(
  mutation: Mutation,
  request: CompleteMultipart,
): Promise<Uint8Array> {
  const { tx, nowMs, settings } = mutation;
  const { uploadId, key } = request;
  const { number, record } = await findMultipart(tx, request);
  if (record.state.kind === "completed") return record.state.answer;

  const { named, othersLeft } = await takeParts(tx, number, request.parts);
  const path = parseKeyPath(request.bucket, key);
  const walked = await walk(tx, path.names.slice(0, -1), true);
  const policy = inheritedPolicy(await readRoot(tx), walked.directories);
  const slot = await slotBelow(mutation, path, walked, false);
  const made = { id: contentId(mutation.nextId()), domainId: domainId(record.bucketId) };
  const { sizeBytes, chunkCount } = compose(tx, made, named);
  const body = {
    contentId: made.id,
    sizeBytes,
    chunkCount,
    chunkSizeBytes: policy.chunkSizeBytes ?? settings.defaultChunkSizeBytes,
    replicationFactor: policy.replicationFactor ?? settings.defaultReplicationFactor,
    sha256: NO_BYTES,
  };
  const { precondition } = request;
  const { attributes } = record;
  const object = request.object ?? record.object;
  const entry = await putFile(mutation, slot, body, { attributes, precondition, object });

  multipartKeys.delete(tx, [record.bucketId, key, uploadId]);
  if (othersLeft) tombstones.put(tx, [nowMs, TOMB_KIND.multipart, number], true);
  const answer = request.answer(slot, entry);
  const dueMs = nowMs + settings.completedMultipartMs;
  multiparts.put(tx, number, { ...record, state: { kind: "completed", dueMs, answer } });
  multipartExpiries.put(tx, [dueMs, number], true);
  return answer;
}

const PAGE_PARTS = 1_000;

/** Takes the named parts out of the upload, with the owners that they are; whether there were others. */
async function takeParts(
  tx: KvTransaction,
  number: number,
  wanted: readonly NamedPart[],
): Promise<{ readonly named: readonly NumberedPart[]; readonly othersLeft: boolean }> {
  checkOrder(wanted);
  const named: NumberedPart[] = [];
  let othersLeft = false;
  let after = 0;
  for (;;) {
    const range = { within: [number], after: [number, after] } as const;
    const rows = await multipartParts.page(tx, { ...range, limit: PAGE_PARTS });
    for (const { key, value } of rows) {
      const next = wanted[named.length];
      if (next?.number !== key[1]) {
        othersLeft = true;
        continue;
      }
      if (next.contentId !== value.contentId) throw changed(next);
      named.push({ ...value, number: next.number });
      multipartParts.delete(tx, key);
    }
    if (rows.length < PAGE_PARTS) break;
    after = rows.at(-1)?.key[1] ?? after;
  }
  const missing = wanted[named.length];
  if (missing !== undefined) throw changed(missing);
  return { named, othersLeft };
}

function checkOrder(wanted: readonly NamedPart[]): void {
  if (wanted.length < 1 || wanted.length > PARTS_MAX) {
    throw new CairnError(
      "invalidArgument",
      `an upload is completed with ${wanted.length} parts, expected 1 to ${PARTS_MAX}`,
    );
  }
  for (const [at, { number }] of wanted.entries()) {
    const before = wanted[at - 1]?.number ?? 0;
    if (number > before) continue;
    throw new CairnError("invalidArgument", `part ${number} comes after part ${before}`);
  }
}

function changed({ number, contentId: id }: NamedPart): CairnError {
  return new CairnError(
    "preconditionFailed",
    `part ${number} does not have content ${id}: it was not uploaded, or uploaded again`,
    { details: { partNumber: number } },
  );
}
