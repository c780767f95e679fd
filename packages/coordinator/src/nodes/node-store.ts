/**
 * Who is a member of the cluster, as it is kept:
 *
 *     `node` | node number u32   ->  membership: id, addresses, place, duty
 *     `nuid` | node id (16)      ->  node number
 *
 * The row of a node that was removed stays, so that its number is never given to another and its id never comes back.
 * docs/formats/keyspace.md is the register.
 */
import { CairnError } from "@cairnfs/base/errors";
import type { KvReader, KvStore, KvTransaction } from "@cairnfs/kv/kv-store";
import { fixed, u32 } from "@cairnfs/kv/ordered-key";
import { recordCodec } from "@cairnfs/kv/record";
import { Table } from "@cairnfs/kv/table";
import { NODE_ID_BYTES, type NodeId, nodeIdFromBytes, nodeIdToBytes } from "./node-id.ts";
import { DUTIES, type Duty } from "./node-state.ts";

/** What is kept of a node across restarts of the coordinator. */
export interface Membership {
  readonly nodeId: NodeId;
  readonly address: string;
  readonly grpcAddress: string;
  readonly zone: string;
  readonly rack: string;
  readonly duty: Duty | "removed";
}

const DUTY_CODES = [...DUTIES, "removed"] as const;

const memberships = new Table<number, Membership>({
  prefix: "node",
  key: u32,
  value: recordCodec("node", {
    version: 1,
    write: (to, membership) => {
      to.fixed(nodeIdToBytes(membership.nodeId));
      to.text(membership.address);
      to.text(membership.grpcAddress);
      to.text(membership.zone);
      to.text(membership.rack);
      to.u8(DUTY_CODES.indexOf(membership.duty));
    },
    read: (from) => ({
      nodeId: nodeIdFromBytes(from.fixed(NODE_ID_BYTES)),
      address: from.text(),
      grpcAddress: from.text(),
      zone: from.text(),
      rack: from.text(),
      duty: dutyOf(from.u8()),
    }),
  }),
});

const numbers = new Table<Uint8Array, number>({
  prefix: "nuid",
  key: fixed(NODE_ID_BYTES),
  value: recordCodec("nuid", {
    version: 1,
    write: (to, nodeNumber) => to.u32(nodeNumber),
    read: (from) => from.u32(),
  }),
});

const PAGE_ROWS = 1000;

/** Whether a number was ever given to a node. Those that were stay so, and are remembered. */
export function knownNumbers(): (reader: KvReader, nodeNumber: number) => Promise<boolean> {
  const known = new Set<number>();
  return async (reader, nodeNumber) => {
    if (known.has(nodeNumber)) return true;
    const isKnown = await memberships.has(reader, nodeNumber);
    if (isKnown) known.add(nodeNumber);
    return isKnown;
  };
}

/** All nodes that are or were members, by number. */
export async function loadMemberships(kv: KvStore): Promise<Map<number, Membership>> {
  return kv.read(async (reader) => {
    const loaded = new Map<number, Membership>();
    for await (const { key, value } of memberships.scan(reader, { limit: PAGE_ROWS })) {
      loaded.set(key, value);
    }
    return loaded;
  });
}

/** Keeps a new member. Rejects with `nodeConflict` when the number or the id is taken after all. */
export async function addMembership(
  kv: KvStore,
  nodeNumber: number,
  membership: Membership,
  signal: AbortSignal,
): Promise<void> {
  const idBytes = nodeIdToBytes(membership.nodeId);
  await kv.transact(
    async (tx) => {
      if ((await numbers.has(tx, idBytes)) || (await memberships.has(tx, nodeNumber))) {
        throw new CairnError(
          "nodeConflict",
          `node ${membership.nodeId} or number ${nodeNumber} is a member already`,
        );
      }
      numbers.put(tx, idBytes, nodeNumber);
      memberships.put(tx, nodeNumber, membership);
    },
    { signal },
  );
}

/** Changes what is kept of a member, starting from what is kept now. */
export function changeMembership(
  kv: KvStore,
  nodeNumber: number,
  change: (kept: Membership) => Membership,
  signal: AbortSignal,
): Promise<Membership> {
  return kv.transact((tx) => changeWithin(tx, nodeNumber, change), { signal });
}

/** Ends a membership for good; `also` takes part in the transaction. */
export async function endMembership(
  kv: KvStore,
  nodeNumber: number,
  also: ((tx: KvTransaction) => Promise<void>) | undefined,
  signal: AbortSignal,
): Promise<void> {
  await kv.transact(
    async (tx) => {
      await changeWithin(tx, nodeNumber, (kept) => ({ ...kept, duty: "removed" }));
      await also?.(tx);
    },
    { signal },
  );
}

async function changeWithin(
  tx: KvTransaction,
  nodeNumber: number,
  change: (kept: Membership) => Membership,
): Promise<Membership> {
  const kept = await memberships.get(tx, nodeNumber);
  if (kept === undefined) throw new CairnError("nodeNotFound", `no node has number ${nodeNumber}`);
  const changed = change(kept);
  memberships.put(tx, nodeNumber, changed);
  return changed;
}

function dutyOf(code: number): Membership["duty"] {
  const duty = DUTY_CODES[code];
  if (duty === undefined) throw new CairnError("internal", `a node record has duty ${code}`);
  return duty;
}
