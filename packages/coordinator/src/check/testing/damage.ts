import { present } from "@cairnfs/base/assert";
import type { KvTransaction } from "@cairnfs/kv/kv-store";
import { contents, entries } from "../../keyspace.ts";
import { inodeId, ROOT_ID } from "../../namespace/ids.ts";
import type { TestNamespace } from "../../namespace/testing/test-namespace.ts";
import type { FindingKind } from "../finding-kinds.ts";

/** Damage, and what is to be told of it, in any order. */
export interface Damage {
  readonly name: string;
  readonly kinds: readonly FindingKind[];
  /** What of them stays after mending. */
  readonly left?: readonly FindingKind[];
  plant(ns: TestNamespace): Promise<unknown>;
}

/** A row of a file, a directory or anything else in the tree. */
export async function entryAt(ns: TestNamespace, parent: string, sortName: string) {
  const parentId =
    parent === "/"
      ? ROOT_ID
      : inodeId(Number((await ns.call("stat", { path: parent })).entry?.inodeId));
  const key = [parentId, sortName] as const;
  const entry = await ns.kv.read((reader) => entries.get(reader, key));
  return [key, present(entry, `${parent} has ${sortName}`)] as const;
}

export async function fileAt(ns: TestNamespace, parent: string, name: string) {
  const [key, entry] = await entryAt(ns, parent, name);
  if (entry.kind !== "file") throw new Error(`${name} is no file`);
  const content = await ns.kv.read((reader) => contents.get(reader, entry.contentId));
  return { key, entry, id: entry.contentId, content: present(content, "it has a content") };
}

/** Writes to the tables behind everybody's back. */
export function write(ns: TestNamespace, body: (tx: KvTransaction) => unknown): Promise<void> {
  return ns.kv.transact(async (tx) => {
    await body(tx);
  });
}
