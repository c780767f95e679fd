import { CairnError } from "@cairnfs/base/errors";
import { logChange } from "../../change-log.ts";
import { count } from "../../counters.ts";
import { entries, TOMB_KIND, tombstones } from "../../keyspace.ts";
import { sortNameOf } from "../entry.ts";
import type { Mutation } from "../mutation.ts";
import type { Path } from "../path.ts";
import { checkPrecondition, type Precondition } from "../precondition.ts";
import { requireEntry } from "../resolve.ts";
import { dropFile, requireName } from "../slot.ts";

export interface Remove {
  readonly path: Path;
  readonly recursive: boolean;
  readonly precondition: Precondition;
}

/**
 * Removes a file, an empty directory, or with `recursive` a tree of any size: one entry goes and a tombstone stays,
 * from which the tombstone worker takes the rest apart. Nothing below can be reached from the commit on.
 */
export async function remove(mutation: Mutation, request: Remove): Promise<void> {
  const { tx, nowMs } = mutation;
  const { path } = request;
  requireName(path);
  const { parentId, name, entry } = await requireEntry(tx, path);
  checkPrecondition(request.precondition, entry, path.text);

  entries.delete(tx, [parentId, sortNameOf(name, entry.kind)]);
  if (entry.kind === "file") {
    await dropFile(mutation, entry);
  } else {
    count(tx, "directories", -1);
    // Who creates something below has read this directory's entry and runs again; who did so before is seen here.
    const child = await entries.first(tx, { within: [entry.inodeId] });
    if (child !== undefined) {
      if (!request.recursive) {
        throw new CairnError("directoryNotEmpty", `${path.text} is not empty`);
      }
      tombstones.put(tx, [nowMs, TOMB_KIND.directory, entry.inodeId], true);
    }
  }
  logChange(mutation, { kind: "remove", path: path.text, inodeId: entry.inodeId });
}
