import { copiedAttributes } from "../../objects/object-attributes.ts";
import type { AttributeChanges } from "../attributes.ts";
import { addOwner } from "../content-owners.ts";
import type { FileEntry } from "../entry.ts";
import type { Mutation } from "../mutation.ts";
import type { Path } from "../path.ts";
import { NO_PRECONDITION } from "../precondition.ts";
import { requireFile } from "../resolve.ts";
import { bodyOf, openSlot, putFile, requireName } from "../slot.ts";

export interface Copy {
  readonly source: Path;
  readonly target: Path;
  readonly noReplace: boolean;
  /** Make missing parents of the target. */
  readonly parents: boolean;
  /** Instead of the source's, field by field. */
  readonly attributes: AttributeChanges;
}

/** Copies a file by metadata alone: a new entry shows the same content, whatever its size. */
export async function copy(mutation: Mutation, request: Copy): Promise<FileEntry> {
  const { tx } = mutation;
  const { attributes } = request;
  requireName(request.target);
  const { entry: source } = await requireFile(tx, request.source);
  const slot = await openSlot(mutation, request.target, request.parents);
  // Counted before the replaced file is let go: both may show this content.
  await addOwner(tx, source.contentId);
  const terms = {
    attributes: {
      mode: attributes.mode ?? source.mode,
      modifiedMs: attributes.modifiedMs ?? source.modifiedMs,
      contentType: attributes.contentType ?? source.contentType,
      userMetadata: attributes.userMetadata ?? source.userMetadata,
    },
    precondition: NO_PRECONDITION,
    noReplace: request.noReplace,
    object: copiedAttributes(source.object),
  };
  return putFile(mutation, slot, bodyOf(source), terms);
}
