import { sha256 } from "@cairnfs/base/checksum";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { chunkIdFromBytes, FRAME_DATA_BYTES_MAX } from "@cairnfs/protocol/chunk-id";
import { blockChecksums } from "@cairnfs/protocol/transfer/block-checksums";
import { entryFromWire, fileTermsToWire, policyToWire } from "../entry.ts";
import { referenceTo, type UploadedChunk } from "../upload/store-with-failover.ts";
import type { PutResult, PutTerms, UploadParts } from "../upload/upload-parts.ts";
import { DEDUPE_BYTES_MIN } from "../upload/upload-run.ts";
import type { FileLease } from "./file-lease.ts";

/** The largest file that is written as one chunk in one message. */
export const SMALL_FILE_BYTES_MAX = FRAME_DATA_BYTES_MAX;

/** A file in memory. */
export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes a small file under a lease: one call to a node, one to the coordinator. `undefined` when it was not written and an upload
 * session should be tried, which copes with nodes that fail and with coordinators that know no leases.
 */
export async function putSmallFile(
  parts: UploadParts,
  file: SmallFile,
  options: PutTerms,
): Promise<PutResult | undefined> {
  const lease = await takeLease(parts, file, options);
  if (lease === undefined || file.bytes.byteLength > lease.chunkSizeBytes) return undefined;
  const { bytes } = file;
  const id = sha256(bytes);
  const isFound = await isThere(lease, id, bytes.byteLength, options);
  const chunk = isFound
    ? referenceTo(id, bytes.byteLength)
    : await store(parts, lease, { id, bytes }, options);
  if (chunk === undefined) return undefined;
  try {
    return await commit(parts, lease, { ...file, chunk, isFound }, options);
  } catch (error) {
    lease.void();
    // What the coordinator knows of the chunk has changed meanwhile: it is stored again, in a session.
    if (hasReason(error, "chunkNeeded", "quorumNotReached", "receiptInvalid")) return undefined;
    // The lease is the bucket's: a directory below may want other chunks.
    if (options.object !== undefined && hasReason(error, "invalidArgument")) return undefined;
    throw error;
  }
}

async function takeLease(
  { leases }: UploadParts,
  { path }: SmallFile,
  options: PutTerms,
): Promise<FileLease | undefined> {
  try {
    return await leases.take(options.object?.leasePath ?? path, options, options.signal);
  } catch (error) {
    // What is wrong with the call is said again, and better, by BeginUpload.
    if (hasReason(error, "unimplemented", "invalidArgument")) return undefined;
    throw error;
  }
}

async function isThere(
  lease: FileLease,
  id: Uint8Array,
  sizeBytes: number,
  options: PutTerms,
): Promise<boolean> {
  if (options.dedupe === false || sizeBytes < DEDUPE_BYTES_MIN) return false;
  return lease.finder.find(chunkIdFromBytes(id));
}

/** Stores the chunk at one of the lease's placements; `undefined` when that failed. */
async function store(
  parts: UploadParts,
  lease: FileLease,
  { id, bytes }: { readonly id: Uint8Array; readonly bytes: Uint8Array },
  { signal }: PutTerms,
): Promise<UploadedChunk | undefined> {
  const placement = lease.placement(parts.health);
  const [primaryNumber, ...replicaNodeNumbers] = placement?.nodeNumbers ?? [];
  if (placement === undefined || primaryNumber === undefined) return undefined;
  try {
    const primary = await parts.nodes.get(primaryNumber, signal);
    const { result } = await parts.connect(primary).putChunk(
      {
        sessionId: lease.id,
        chunkId: id,
        epoch: placement.epoch,
        writeQuorum: lease.writeQuorum,
        replicaNodeNumbers,
        replicaNodes: replicaNodeNumbers.flatMap((number) => parts.nodes.find(number) ?? []),
        blockChecksums: blockChecksums(bytes),
        data: bytes,
      },
      { signal, timeoutMs: parts.config.stallMs },
    );
    const lengthBytes = BigInt(bytes.byteLength);
    if (result?.lengthBytes !== lengthBytes || Buffer.compare(result.chunkId, id) !== 0) {
      throw new CairnError(
        "protocolViolation",
        "the node's result is not for the chunk it was sent",
      );
    }
    const { receipts, failures } = result;
    parts.health.succeeded(primaryNumber);
    for (const { nodeNumber } of failures) parts.health.failed(nodeNumber);
    return { chunkId: id, lengthBytes, receipts, epoch: placement.epoch };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof CairnError)) throw error;
    lease.void();
    parts.health.failed(primaryNumber);
    return undefined;
  }
}

async function commit(
  parts: UploadParts,
  lease: FileLease,
  file: SmallFile & { readonly chunk: UploadedChunk; readonly isFound: boolean },
  options: PutTerms,
): Promise<PutResult> {
  const { path, bytes, chunk, isFound } = file;
  const object = await objectTerms(options);
  const reply = await parts.coordinator.call(
    (client, callOptions) =>
      client.putFile(
        {
          path,
          ...fileTermsToWire(options),
          ...object,
          policy: policyToWire(options),
          // The file is this one chunk, so their hashes are the same.
          sha256: options.checksum === false ? new Uint8Array(0) : chunk.chunkId,
          chunks: [chunk],
          leaseId: lease.id,
        },
        callOptions,
      ),
    { signal: options.signal, isMutation: true },
  );
  const entry = entryFromWire(reply.entry, path);
  const sizeBytes = bytes.byteLength;
  const moved = isFound
    ? { sentBytes: 0, skippedBytes: sizeBytes }
    : { sentBytes: sizeBytes, skippedBytes: 0 };
  options.onProgress?.({ doneBytes: sizeBytes, totalBytes: sizeBytes, ...moved });
  return { entry, ...moved };
}

/** How a file is an object, as the calls that put one whole take it. */
export async function objectTerms({ object }: PutTerms) {
  return object === undefined ? {} : { object: { attributes: await object.attributes() } };
}
