/**
 * A node's copy of the node table, so that it finds the others after a restart while the coordinator is away.
 *
 *     0          8        12       16
 *     | cairnnt1 | length | crc32c | NodeUpdates ... |
 *
 * Integers are big-endian; the CRC-32C is that of the message alone. The register is docs/formats/node-table-file.md.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { crc32c } from "@cairnfs/base/checksum";
import type { Disk } from "@cairnfs/base/disk";
import { readWhole, writeDurably } from "@cairnfs/base/durable-file";
import { CairnError } from "@cairnfs/base/errors";
import { type NodeUpdates, NodeUpdatesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";

const MAGIC = "cairnnt1";
const HEADER_BYTES = 16;
const FILE_NAME = "node-table";

export function encodeNodeTable(table: NodeUpdates): Uint8Array {
  const message = toBinary(NodeUpdatesSchema, table);
  const file = Buffer.alloc(HEADER_BYTES + message.byteLength);
  file.write(MAGIC, 0, "latin1");
  file.writeUInt32BE(message.byteLength, 8);
  file.writeUInt32BE(crc32c(message), 12);
  file.set(message, HEADER_BYTES);
  return file;
}

/** The table that the bytes hold; undefined when they are damaged, since the coordinator has it as well. */
export function decodeNodeTable(bytes: Uint8Array): NodeUpdates | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.byteLength < HEADER_BYTES || file.toString("latin1", 0, 8) !== MAGIC) return undefined;
  const message = file.subarray(HEADER_BYTES);
  if (file.readUInt32BE(8) !== message.byteLength || file.readUInt32BE(12) !== crc32c(message)) {
    return undefined;
  }
  return fromBinary(NodeUpdatesSchema, message);
}

/** The table that the data folder remembers; undefined when there is none, or none that can be read. */
export async function readNodeTable(disk: Disk, dataDir: string): Promise<NodeUpdates | undefined> {
  const bytes = await readWhole(disk, pathIn(dataDir)).catch((cause: unknown) => {
    throw new CairnError("storeFailed", `cannot read ${pathIn(dataDir)}`, { cause });
  });
  return bytes === undefined ? undefined : decodeNodeTable(bytes);
}

/** Replaces the file: after a crash it is the old or the new one, whole. `storeFailed` when the disk errs. */
export async function writeNodeTable(
  disk: Disk,
  dataDir: string,
  table: NodeUpdates,
): Promise<void> {
  try {
    await writeDurably(disk, pathIn(dataDir), encodeNodeTable(table));
  } catch (cause) {
    throw new CairnError("storeFailed", `cannot write ${pathIn(dataDir)}`, { cause });
  }
}

function pathIn(dataDir: string): string {
  return `${dataDir}/${FILE_NAME}`;
}
