import { CairnError } from "@cairnfs/base/errors";
import type { NodeRow } from "../nodes/node-table.ts";

const ID_DIGITS_MIN = 4;

/**
 * The member that is meant by its number, its address, or the first digits of its id. `nodeNotFound` when none is,
 * `invalidArgument` when the digits are those of several.
 */
export function findNode(rows: Iterable<NodeRow>, name: string): NodeRow {
  const all = [...rows];
  const byNumber = /^\d{1,10}$/u.test(name)
    ? all.find((row) => row.nodeNumber === Number(name))
    : undefined;
  const found = byNumber ?? all.find((row) => row.address === name || row.grpcAddress === name);
  if (found !== undefined) return found;
  const digits = name.toLowerCase();
  const byId =
    digits.length >= ID_DIGITS_MIN ? all.filter((row) => row.nodeId.startsWith(digits)) : [];
  const [first, ...others] = byId;
  if (first === undefined) {
    throw new CairnError(
      "nodeNotFound",
      `no node is ${JSON.stringify(name)}: expected a number, an address, or the first digits of an id`,
    );
  }
  if (others.length > 0) {
    const numbers = byId.map((row) => row.nodeNumber).join(", ");
    throw new CairnError("invalidArgument", `${name} begins the ids of nodes ${numbers}`);
  }
  return first;
}
