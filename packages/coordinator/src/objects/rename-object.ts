import { CairnError } from "@cairnfs/base/errors";
import { entries } from "../keyspace.ts";
import { sortNameOf } from "../namespace/entry.ts";
import type { Mutation } from "../namespace/mutation.ts";
import { type Move, move } from "../namespace/ops/rename.ts";
import type { Path } from "../namespace/path.ts";
import { checkPrecondition, type Precondition } from "../namespace/precondition.ts";
import { endOf, type Found, type Located, requireEntry, walk } from "../namespace/resolve.ts";

export interface RenameObject {
  readonly source: Path;
  readonly target: Path;
  /** Both keys end with "/": the directory of that prefix moves. */
  readonly isPrefix: boolean;
  /** Of what is at the target. */
  readonly precondition: Precondition;
  readonly sourcePrecondition: Precondition;
}

/** Moves an object, which replaces the one at the target, or all objects whose keys begin with a prefix: atomically. */
export async function renameObject(mutation: Mutation, request: RenameObject): Promise<Located> {
  const { isPrefix, sourcePrecondition, precondition } = request;
  const source = isPrefix ? directoryOf(request.source) : request.source;
  const target = isPrefix ? directoryOf(request.target) : request.target;
  const moved = isPrefix
    ? await requirePrefix(mutation, source)
    : await requireEntry(mutation.tx, source);
  checkPrecondition(sourcePrecondition, moved.entry, source.text);
  if (source.text === target.text) {
    checkPrecondition(precondition, moved.entry, target.text);
    return moved;
  }
  const wanted: Move = { source, target, noReplace: false, parents: true, precondition };
  return move(mutation, moved, wanted);
}

/** The path of the directory that keys which begin with a prefix are in. */
function directoryOf(prefix: Path): Path {
  const { text, names, isKey } = prefix;
  if (names.length > 2 && text.endsWith("/")) {
    return { text: text.slice(0, -1), names: names.slice(0, -1), isKey };
  }
  throw new CairnError("invalidArgument", `${text} is no prefix: it does not end with "/"`);
}

async function requirePrefix({ tx }: Mutation, path: Path): Promise<Found> {
  const walked = await walk(tx, path.names.slice(0, -1), true);
  const name = path.names.at(-1) ?? "";
  const parentId = endOf(walked);
  const { directories, missing } = walked;
  const entry =
    missing.length === 0
      ? await entries.get(tx, [parentId, sortNameOf(name, "directory")])
      : undefined;
  if (entry !== undefined) return { parentId, name, directories, entry };
  throw new CairnError("pathNotFound", `no object's key begins with ${path.text}/`);
}
