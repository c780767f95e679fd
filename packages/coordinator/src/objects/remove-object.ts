import type { Mutation } from "../namespace/mutation.ts";
import { remove } from "../namespace/ops/remove.ts";
import type { Path } from "../namespace/path.ts";
import { checkPrecondition, type Precondition } from "../namespace/precondition.ts";
import { findObject } from "./find-object.ts";
import { isIt } from "./read-version.ts";
import type { VersionChoice } from "./version-id.ts";

export interface RemoveObject {
  readonly path: Path;
  /** That version goes for good; `undefined`: what S3 calls a delete. */
  readonly choice: VersionChoice | undefined;
  readonly precondition: Precondition;
  /** Versions under governance retention may go too. */
  readonly bypassesGovernance: boolean;
  /** Of a delete marker that is made. */
  readonly owner: string;
}

export interface RemovedObject {
  /** Of the delete marker that was made, or of the version that went; empty when neither. */
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly existed: boolean;
}

const NOTHING: RemovedObject = { versionId: "", isDeleteMarker: false, existed: false };

/** Removes an object or a version of it. What is not there is no error; a bucket that is not there is `pathNotFound`. */
export async function removeObject(
  mutation: Mutation,
  request: RemoveObject,
): Promise<RemovedObject> {
  const { path, choice, precondition } = request;
  const { file } = await findObject(mutation.tx, path);
  const isMeant = file !== undefined && (choice === undefined || isIt(file, choice));
  if (!isMeant) {
    checkPrecondition(precondition, undefined, path.text);
    return NOTHING;
  }
  await remove(mutation, { path, recursive: false, precondition, forever: choice !== undefined });
  return { ...NOTHING, existed: true };
}
