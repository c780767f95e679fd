import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../../change-log.ts";
import { entries } from "../../keyspace.ts";
import type { AttributeChanges } from "../attributes.ts";
import { type EntryRecord, type PolicyRecord, sortNameOf } from "../entry.ts";
import { type Mutation, nextVersion } from "../mutation.ts";
import type { Path } from "../path.ts";
import { checkPrecondition, type Precondition } from "../precondition.ts";
import { type Located, requireEntry } from "../resolve.ts";

export interface SetAttributes {
  readonly path: Path;
  readonly attributes: AttributeChanges;
  /** Replaces the policy that is set on the directory; `undefined` leaves it. */
  readonly policy: PolicyRecord | undefined;
  readonly precondition: Precondition;
}

/** Changes what is said of a file or directory. A policy on a file is `notADirectory`. */
export async function setAttributes(mutation: Mutation, request: SetAttributes): Promise<Located> {
  const { path, attributes, policy } = request;
  const located = await requireEntry(mutation.tx, path);
  const { parentId, name, entry } = located;
  checkPrecondition(request.precondition, entry, path.text);
  if (policy !== undefined && entry.kind === "file") {
    throw new CairnError("notADirectory", `${path.text} is a file: a policy is set on directories`);
  }
  const changed: EntryRecord = {
    ...entry,
    version: nextVersion(mutation.nextId(), entry.version),
    mode: attributes.mode ?? entry.mode,
    modifiedMs: attributes.modifiedMs ?? entry.modifiedMs,
    contentType: attributes.contentType ?? entry.contentType,
    userMetadata: attributes.userMetadata ?? entry.userMetadata,
    ...(policy === undefined ? {} : { policy }),
    // What somebody says something of stays, though an object's key made it.
    ...(entry.kind === "directory" ? { isImplied: false } : {}),
  };
  entries.put(mutation.tx, [parentId, sortNameOf(name, entry.kind)], changed);
  logChange(mutation, { kind: "setAttributes", path: path.text, inodeId: entry.inodeId });
  return { ...located, entry: changed };
}
