import { join } from "node:path";
import type { Disk } from "@cairnfs/base/disk";
import { makeFolderDurably, readWhole, writeDurably } from "@cairnfs/base/durable-file";
import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { Closable } from "@cairnfs/base/lifecycle";
import type { Random } from "@cairnfs/base/random";
import {
  decodeIdentity,
  encodeIdentity,
  type FolderIdentity,
  type FolderMembership,
  ID_BYTES,
} from "./folder-identity.ts";
import { storeError } from "./store-error.ts";

export interface DataFolderParts {
  readonly disk: Disk;
  readonly random: Random;
}

const IDENTITY_NAME = "identity";
const STORE_FOLDERS: readonly string[] = ["chunks", "segments"];

/** The folder of a datanode, held by this process alone until `close`, and whose it is. */
export class DataFolder implements Closable {
  readonly path: string;
  readonly #disk: Disk;
  readonly #lock: Closable;
  #identity: FolderIdentity;

  private constructor(path: string, disk: Disk, lock: Closable, identity: FolderIdentity) {
    this.path = path;
    this.#disk = disk;
    this.#lock = lock;
    this.#identity = identity;
  }

  /**
   * Takes the folder, making it and giving it a node id when it is new. `storeForeign` when another process has it or
   * when it does not say whose the chunks in it are.
   */
  static async open(path: string, parts: DataFolderParts): Promise<DataFolder> {
    const { disk } = parts;
    let lock: Closable | undefined;
    try {
      await disk.makeFolder(path);
      lock = await disk.lockFolder(path);
      if (lock === undefined) {
        throw new CairnError(
          "storeForeign",
          `${path} is in use by another process; stop it, or give this node a folder of its own`,
        );
      }
      const identity = (await readIdentity(disk, path)) ?? (await makeIdentity(path, parts));
      return new DataFolder(path, disk, lock, identity);
    } catch (error) {
      await lock?.close();
      throw storeError(error, `opening the data folder ${path}`);
    }
  }

  get nodeId(): Uint8Array {
    return this.#identity.nodeId;
  }

  /** The cluster that the folder's chunks belong to; undefined before the node joined one. */
  get joined(): FolderMembership | undefined {
    return this.#identity.joined;
  }

  /**
   * Notes the cluster that took the node in, durably. `storeForeign` when the folder is that of another cluster's node, or of
   * another node of this one: its chunks would be counted for the wrong one.
   */
  async join(membership: FolderMembership): Promise<void> {
    const { joined, nodeId } = this.#identity;
    if (joined !== undefined && !isSameNode(joined, membership)) {
      throw new CairnError(
        "storeForeign",
        `${this.path} belongs to node ${joined.nodeNumber} of cluster ${toHex(joined.clusterId)}, ` +
          `not to node ${membership.nodeNumber} of cluster ${toHex(membership.clusterId)}; ` +
          "start it with the coordinator of its own cluster, or give this node an empty folder",
        {
          details: {
            clusterId: toHex(joined.clusterId),
            nodeNumber: joined.nodeNumber,
          },
        },
      );
    }
    if (joined !== undefined && hasSameKeys(joined, membership)) return;
    const identity = { nodeId, joined: membership };
    try {
      await writeDurably(this.#disk, join(this.path, IDENTITY_NAME), encodeIdentity(identity));
    } catch (error) {
      throw storeError(error, `noting the cluster of ${this.path}`);
    }
    this.#identity = identity;
  }

  /** Lets other processes have the folder. */
  close(): Promise<void> {
    return this.#lock.close();
  }
}

function hasSameKeys(one: FolderMembership, other: FolderMembership): boolean {
  return (
    Buffer.compare(one.receiptKey, other.receiptKey) === 0 &&
    Buffer.compare(one.forwardKey, other.forwardKey) === 0
  );
}

function isSameNode(one: FolderMembership, other: FolderMembership): boolean {
  return (
    one.nodeNumber === other.nodeNumber && Buffer.compare(one.clusterId, other.clusterId) === 0
  );
}

async function readIdentity(disk: Disk, path: string): Promise<FolderIdentity | undefined> {
  const file = join(path, IDENTITY_NAME);
  const bytes = await readWhole(disk, file);
  if (bytes === undefined) return undefined;
  const identity = decodeIdentity(bytes);
  if (identity === undefined) {
    throw new CairnError(
      "storeForeign",
      `${file} is damaged, so that nobody knows whose the chunks are; restore it, ` +
        "or give this node an empty folder and let the cluster repair",
    );
  }
  return identity;
}

/** It is written before the first store is opened: a folder with chunks and without it has lost it. */
async function makeIdentity(
  path: string,
  { disk, random }: DataFolderParts,
): Promise<FolderIdentity> {
  const names = (await disk.list(path)).map((entry) => entry.name);
  const stores = names.filter((name) => STORE_FOLDERS.includes(name));
  if (stores.length > 0) {
    throw new CairnError(
      "storeForeign",
      `${path} has chunks and no file that says whose; restore its ${IDENTITY_NAME} file, ` +
        "or give this node an empty folder",
    );
  }
  await makeFolderDurably(disk, path);
  const identity = { nodeId: random.bytes(ID_BYTES), joined: undefined };
  await writeDurably(disk, join(path, IDENTITY_NAME), encodeIdentity(identity));
  return identity;
}
