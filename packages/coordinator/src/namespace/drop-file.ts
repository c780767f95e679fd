import { count } from "../counters.ts";
import { dropOwner } from "./content-owners.ts";
import type { FileEntry } from "./entry.ts";
import type { Mutation } from "./mutation.ts";

/** What of a mutation it takes to let go of a file. */
export type Dropping = Pick<Mutation, "tx" | "nowMs"> & {
  readonly settings: Pick<Mutation["settings"], "contentGraceMs">;
};

/** Lets go of a file whose entry is deleted or overwritten by the caller. */
export async function dropFile(mutation: Dropping, file: FileEntry): Promise<void> {
  const { tx, nowMs, settings } = mutation;
  uncountFile(mutation, file);
  await dropOwner(tx, file.contentId, nowMs + settings.contentGraceMs);
}

/** Counts a file of the tree no more. */
export function uncountFile({ tx }: Pick<Dropping, "tx">, file: FileEntry): void {
  count(tx, "files", -1);
  count(tx, "logicalBytes", -file.sizeBytes);
}
