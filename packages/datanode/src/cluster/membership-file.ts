/**
 * What a node keeps of its membership, so that it serves and replicates after a restart while the coordinator is away.
 *
 *     0          8        12       16
 *     | cairnmb1 | length | crc32c | RegisterNodeResponse ... |
 *
 * Integers are big-endian; the CRC-32C is that of the message alone. The register is docs/formats/membership-file.md.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { crc32c } from "@cairnfs/base/checksum";
import { type Disk, hasErrorCode } from "@cairnfs/base/disk";
import { CairnError } from "@cairnfs/base/errors";
import type { NodeUpdates } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { RegisterNodeResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { Membership } from "./membership.ts";

const MAGIC = "cairnmb1";
const HEADER_BYTES = 16;
const FILE_NAME = "membership";

/** What the file says. */
export interface KeptMembership {
  readonly membership: Membership;
  readonly nodes: NodeUpdates | undefined;
}

export function encodeMembership({ membership, nodes }: KeptMembership): Uint8Array {
  const message = toBinary(
    RegisterNodeResponseSchema,
    create(RegisterNodeResponseSchema, {
      ...membership,
      ...(nodes === undefined ? {} : { nodes }),
    }),
  );
  const file = Buffer.alloc(HEADER_BYTES + message.byteLength);
  file.write(MAGIC, 0, "latin1");
  file.writeUInt32BE(message.byteLength, 8);
  file.writeUInt32BE(crc32c(message), 12);
  file.set(message, HEADER_BYTES);
  return file;
}

/** What the bytes say; undefined when they are damaged, since a registration brings it all back. */
export function decodeMembership(bytes: Uint8Array): KeptMembership | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.byteLength < HEADER_BYTES || file.toString("latin1", 0, 8) !== MAGIC) return undefined;
  const message = file.subarray(HEADER_BYTES);
  if (file.readUInt32BE(8) !== message.byteLength || file.readUInt32BE(12) !== crc32c(message)) {
    return undefined;
  }
  const { nodeNumber, clusterId, receiptKey, nodes } = fromBinary(
    RegisterNodeResponseSchema,
    message,
  );
  return { membership: { nodeNumber, clusterId, receiptKey }, nodes };
}

/** The membership that the data folder remembers; undefined when there is none, or none that can be read. */
export async function readMembership(
  disk: Disk,
  dataDir: string,
): Promise<KeptMembership | undefined> {
  try {
    const file = await disk.open(`${dataDir}/${FILE_NAME}`, "read");
    try {
      const bytes = new Uint8Array(await file.sizeBytes());
      for (let at = 0; at < bytes.byteLength; ) {
        const readBytes = await file.read(bytes.subarray(at), at);
        if (readBytes === 0) return undefined;
        at += readBytes;
      }
      return decodeMembership(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw new CairnError("storeFailed", `cannot read ${FILE_NAME} in ${dataDir}`, { cause: error });
  }
}

/** Replaces the file: after a crash it is the old or the new one, whole. */
export async function writeMembership(
  disk: Disk,
  dataDir: string,
  kept: KeptMembership,
): Promise<void> {
  const path = `${dataDir}/${FILE_NAME}`;
  const bytes = encodeMembership(kept);
  const file = await disk.open(`${path}.new`, "write");
  try {
    await file.write([bytes], 0);
    await file.truncate(bytes.byteLength);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.new`, path);
  await disk.syncFolder(dataDir);
}
