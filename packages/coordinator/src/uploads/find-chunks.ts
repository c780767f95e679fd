import type { KvReader } from "@cairnfs/kv/kv-store";
import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { liveCopies } from "../chunks/replicas.ts";
import { chunks, domainReferences } from "../keyspace.ts";
import type { Path } from "../namespace/path.ts";
import { domainOf, inheritedPolicy, readRoot, walk } from "../namespace/resolve.ts";
import type { NamespaceSettings } from "../namespace/settings.ts";
import { type PlacementSource, writeQuorumOf } from "./placements.ts";
import type { UploadSession } from "./upload-session.ts";

export const FIND_CHUNKS_MAX = 1_000;

/**
 * Which of these chunks the session may refer to without sending them: its domain refers to them, and there are copies
 * enough. A chunk of a removed file counts until its content has been taken apart.
 */
export async function findChunks(
  reader: KvReader,
  session: Pick<UploadSession, "domainId" | "replicationFactor">,
  ids: readonly ChunkId[],
  isLive: (nodeNumber: number) => boolean,
): Promise<boolean[]> {
  const { domainId } = session;
  const quorum = writeQuorumOf(session.replicationFactor);
  const records = await chunks.getMany(reader, ids);
  const away = ids.filter((_, at) => {
    const record = records[at];
    return record?.state === "live" && record.homeDomainId !== domainId;
  });
  const counts = await domainReferences.getMany(
    reader,
    away.map((id) => [id, domainId] as const),
  );
  const foreign = new Set(away.filter((_, at) => (counts[at] ?? 0) > 0));
  return ids.map((id, at) => {
    const record = records[at];
    if (record?.state !== "live" || liveCopies(record, isLive) < quorum) return false;
    return record.homeDomainId === domainId || foreign.has(id);
  });
}

/** The same for a file that is to be put at `path` without a session. */
export async function findForFile(
  reader: KvReader,
  path: Path,
  ids: readonly ChunkId[],
  { nodes, settings }: { readonly nodes: PlacementSource; readonly settings: NamespaceSettings },
): Promise<boolean[]> {
  const walked = await walk(reader, path.names.slice(0, -1), true);
  const domain = domainOf(walked);
  if (domain === undefined) return ids.map(() => false);
  const inherited = inheritedPolicy(await readRoot(reader), walked.directories);
  const replicationFactor = inherited.replicationFactor ?? settings.defaultReplicationFactor;
  const session = { domainId: domain, replicationFactor };
  return findChunks(reader, session, ids, (nodeNumber) => nodes.isLive(nodeNumber));
}
