import type { KvReader } from "@cairnfs/kv/kv-store";
import { entries } from "../keyspace.ts";
import type { DirectoryEntry, FileEntry } from "../namespace/entry.ts";
import type { InodeId } from "../namespace/ids.ts";
import type { Path } from "../namespace/path.ts";
import { endOf, notFound, walk } from "../namespace/resolve.ts";

/** Where an object is or could be. */
export interface ObjectPlace {
  /** The bucket, and the directories below it that are there. */
  readonly directories: readonly DirectoryEntry[];
  readonly bucket: DirectoryEntry;
  /** The directory that it is in; `undefined` where that is not there. */
  readonly parentId: InodeId | undefined;
  readonly name: string;
  /** What is in the tree. */
  readonly file: FileEntry | undefined;
}

/** Looks where a key leads. A bucket that is not there is `pathNotFound`. */
export async function findObject(reader: KvReader, path: Path): Promise<ObjectPlace> {
  const walked = await walk(reader, path.names.slice(0, -1), true);
  const [bucket] = walked.directories;
  if (bucket === undefined) throw notFound(path.names, walked);
  const { directories } = walked;
  const name = path.names.at(-1) ?? "";
  const parentId = walked.missing.length === 0 ? endOf(walked) : undefined;
  const found = parentId && (await entries.get(reader, [parentId, name]));
  const file = found?.kind === "file" ? found : undefined;
  return { directories, bucket, parentId, name, file };
}
