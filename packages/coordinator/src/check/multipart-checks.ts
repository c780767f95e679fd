import type { KvReader } from "@cairnfs/kv/kv-store";
import { TOMB_KIND, tombstones } from "../keyspace.ts";
import type { MultipartRecord } from "../multipart/multipart-record.ts";
import { multipartExpiries, multipartKeys, multiparts } from "../multipart/multipart-tables.ts";
import { uploadIdOf, uploadNumberOf } from "../multipart/upload-id.ts";
import type { Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";

/** Whether uploads in parts are listed where they are looked for, and nothing else is. */
export function multipartChecks(): readonly RowCheck[] {
  return [
    rowCheck(multiparts, lookAtMultipart),
    rowCheck(multipartKeys, async (reader, key) => {
      const record = await multiparts.get(reader, uploadNumberOf(key[2]));
      const isIt = record !== undefined && isOpenAt(record, key);
      if (isIt) return [];
      return [unlisted(uploadNumberOf(key[2]), "key", (tx) => multipartKeys.delete(tx, key))];
    }),
    rowCheck(multipartExpiries, async (reader, key) => {
      const state = (await multiparts.get(reader, key[1]))?.state;
      if (state?.kind === "completed" && state.dueMs === key[0]) return [];
      return [unlisted(key[1], "expiry", (tx) => multipartExpiries.delete(tx, key))];
    }),
  ];
}

function isOpenAt(
  { state, bucketId, key, salt }: MultipartRecord,
  [bucket, name, uploadId]: Parameters<typeof multipartKeys.keyOf>[0],
): boolean {
  const isSame = Buffer.compare(uploadIdOf(uploadNumberOf(uploadId), salt), uploadId) === 0;
  return state.kind === "open" && bucketId === bucket && key === name && isSame;
}

async function lookAtMultipart(
  reader: KvReader,
  number: number,
  { bucketId, key, salt, state }: MultipartRecord,
): Promise<readonly Wrong[]> {
  const subject = uploadName(number);
  const kind = "uploadUnlisted";
  if (state.kind === "open") {
    const rowKey = [bucketId, key, uploadIdOf(number, salt)] as const;
    if (await multipartKeys.has(reader, rowKey)) return [];
    const message = `it is open and not listed by its key ${JSON.stringify(key)}`;
    return [{ kind, subject, message, mend: (tx) => multipartKeys.put(tx, rowKey, true) }];
  }
  if (state.kind === "completed") {
    const rowKey = [state.dueMs, number] as const;
    if (await multipartExpiries.has(reader, rowKey)) return [];
    const message = `it is to be forgotten at ${state.dueMs} and is not listed there`;
    return [{ kind, subject, message, mend: (tx) => multipartExpiries.put(tx, rowKey, true) }];
  }
  const rowKey = [state.atMs, TOMB_KIND.multipart, number] as const;
  if (await tombstones.has(reader, rowKey)) return [];
  const message = "it was aborted and has no tombstone";
  return [{ kind, subject, message, mend: (tx) => tombstones.put(tx, rowKey, true) }];
}

function unlisted(number: number, what: string, mend: Wrong["mend"]): Wrong {
  const message = `it is listed by its ${what}, and is not there with that`;
  return { kind: "uploadUnlisted", subject: `${what} of ${uploadName(number)}`, message, mend };
}

function uploadName(number: number): string {
  return `multipart upload ${number}`;
}
