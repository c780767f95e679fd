import { present } from "@cairnfs/base/assert";
import type { Random } from "@cairnfs/base/random";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { type KeyCodec, restText } from "@cairnfs/kv/ordered-key";
import { recordCodec } from "@cairnfs/kv/record";
import { Table } from "@cairnfs/kv/table";

export const CLUSTER_ID_BYTES = 16;
const CLUSTER_SECRET_BYTES = 32;

/** Who this cluster is. */
export interface ClusterIdentity {
  readonly clusterId: Uint8Array;
  /** What the nodes' receipt keys are derived from. It never leaves the coordinator. */
  readonly clusterSecret: Uint8Array;
  /** The how manieth start of a coordinator on this store this is, from 1. */
  readonly incarnation: number;
}

type IdentityName = "cluster-id" | "cluster-secret";

const identities = new Table<IdentityName, Uint8Array>({
  prefix: "meta",
  // Names are only written and looked up; nobody reads one back from its key.
  key: restText as KeyCodec<IdentityName>,
  value: recordCodec("identity", {
    version: 1,
    write: (to, bytes) => to.bytes(bytes),
    read: (from) => Buffer.from(from.bytes()),
  }),
});

const incarnations = new Table<"incarnation", number>({
  prefix: "meta",
  key: restText as KeyCodec<"incarnation">,
  value: recordCodec("incarnation", {
    version: 1,
    write: (to, incarnation) => to.varint(incarnation),
    read: (from) => from.varint(),
  }),
});

/** The identity in the store, made at the first start; when this resolves it is durable, and the incarnation is a new one. */
export async function openIdentity(kv: KvStore, random: Random): Promise<ClusterIdentity> {
  const fresh = {
    clusterId: random.bytes(CLUSTER_ID_BYTES),
    clusterSecret: random.bytes(CLUSTER_SECRET_BYTES),
  };
  return kv.transact(async (tx) => {
    const clusterId = await identities.get(tx, "cluster-id");
    const incarnation = ((await incarnations.get(tx, "incarnation")) ?? 0) + 1;
    incarnations.put(tx, "incarnation", incarnation);
    if (clusterId === undefined) {
      identities.put(tx, "cluster-id", fresh.clusterId);
      identities.put(tx, "cluster-secret", fresh.clusterSecret);
      return { ...fresh, incarnation };
    }
    const clusterSecret = await identities.get(tx, "cluster-secret");
    return {
      clusterId,
      clusterSecret: present(clusterSecret, "the store has a cluster id and no secret"),
      incarnation,
    };
  });
}
