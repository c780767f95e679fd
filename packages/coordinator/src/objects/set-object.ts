import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../change-log.ts";
import { entries } from "../keyspace.ts";
import type { FileEntry } from "../namespace/entry.ts";
import { type Mutation, nextVersion } from "../namespace/mutation.ts";
import type { Path } from "../namespace/path.ts";
import { findObject } from "./find-object.ts";
import { isIt, versionNotFound } from "./read-version.ts";
import type { VersionChoice } from "./version-id.ts";

export interface SetObject {
  readonly path: Path;
  readonly choice: VersionChoice | undefined;
  /** The entry must have it; 0: whatever it has. */
  readonly entryVersion: number;
  /** Instead of what is there, whole, encoded. */
  readonly object: Uint8Array;
  readonly bypassesGovernance: boolean;
}

/** Changes what is said of an object or of a version of it. */
export async function setObject(mutation: Mutation, request: SetObject): Promise<ChangedObject> {
  const { tx } = mutation;
  const { path, choice, object } = request;
  const { file, parentId, name } = await findObject(tx, path);
  if (file === undefined || parentId === undefined || (choice !== undefined && !isIt(file, choice)))
    throw versionNotFound(path, choice);
  checkEntryVersion(request, file);
  const entry: FileEntry = {
    ...file,
    version: nextVersion(mutation.nextId(), file.version),
    object,
  };
  entries.put(tx, [parentId, name], entry);
  logChange(mutation, { kind: "setAttributes", path: path.text, inodeId: file.inodeId });
  return { entry, isVersioned: false };
}

export interface ChangedObject {
  readonly entry: FileEntry;
  /** Its bucket has or had versioning. */
  readonly isVersioned: boolean;
}

function checkEntryVersion({ path, entryVersion }: SetObject, { version }: FileEntry): void {
  if (entryVersion === 0 || entryVersion === version) return;
  throw new CairnError(
    "preconditionFailed",
    `${path.text} has version ${version}, expected ${entryVersion}`,
  );
}
