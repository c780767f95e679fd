import type { AttributeChanges } from "../namespace/attributes.ts";
import { addOwner } from "../namespace/content-owners.ts";
import type { FileEntry } from "../namespace/entry.ts";
import type { Mutation } from "../namespace/mutation.ts";
import type { Path } from "../namespace/path.ts";
import type { Precondition } from "../namespace/precondition.ts";
import { bodyOf, openSlot, putFile } from "../namespace/slot.ts";
import { copiedAttributes } from "./object-attributes.ts";
import { requireSource } from "./read-version.ts";
import type { VersionChoice } from "./version-id.ts";

export interface CopyObject {
  readonly source: Path;
  readonly sourceChoice: VersionChoice | undefined;
  /** The source must still have it; 0: whatever it has. */
  readonly sourceInodeId: number;
  readonly target: Path;
  readonly precondition: Precondition;
  /** Instead of the source's, field by field. */
  readonly attributes: AttributeChanges;
  /** Instead of the source's, whole, encoded. */
  readonly object: Uint8Array | undefined;
}

/** Makes an object that shows the content of another, or of a version of it, or of itself: by metadata alone. */
export async function copyObject(mutation: Mutation, request: CopyObject): Promise<FileEntry> {
  const { tx } = mutation;
  const { source, sourceChoice, sourceInodeId, target, attributes } = request;
  const entry = await requireSource(tx, source, sourceChoice, sourceInodeId);
  const slot = await openSlot(mutation, target, false);
  // Counted before the replaced file is let go: both may show this content.
  await addOwner(tx, entry.contentId);
  return putFile(mutation, slot, bodyOf(entry), {
    attributes: {
      mode: attributes.mode ?? entry.mode,
      modifiedMs: attributes.modifiedMs,
      contentType: attributes.contentType ?? entry.contentType,
      userMetadata: attributes.userMetadata ?? entry.userMetadata,
    },
    precondition: request.precondition,
    object: request.object ?? copiedAttributes(entry.object),
  });
}
