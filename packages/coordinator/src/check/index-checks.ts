import { toHex } from "@cairnfs/base/hex";
import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import {
  sessionExpiries,
  sessions,
  trash,
  trashDues,
  trashPathKey,
  trashPaths,
  trashSizings,
} from "../keyspace.ts";
import type { TrashId } from "../namespace/ids.ts";
import { NOTHING, sizeOf, type TrashRecord } from "../trash/trash-record.ts";
import type { UploadSession } from "../uploads/upload-session.ts";
import type { Wrong } from "./finding.ts";
import { type RowCheck, rowCheck } from "./row-checks.ts";

/** Whether upload sessions and the trash are listed where their workers look for them, and nothing else is. */
export function indexChecks(): readonly RowCheck[] {
  return [
    rowCheck(sessions, lookAtSession),
    rowCheck(sessionExpiries, async (reader, key) => {
      const session = await sessions.get(reader, key[1]);
      if (session?.expiresMs === key[0]) return [];
      const message = `its expiry at ${key[0]} has no session`;
      const mend = (tx: KvTransaction) => sessionExpiries.delete(tx, key);
      return [{ kind: "uploadUnlisted", subject: uploadName(key[1]), message, mend }];
    }),
    rowCheck(trash, lookAtItem),
    rowCheck(trashPaths, async (reader, key) => {
      const record = await trash.get(reader, key[1]);
      const isIt = record !== undefined && trashPathKey(record.path) === key[0];
      return isIt ? [] : [unlisted(key[1], "path", (tx) => trashPaths.delete(tx, key))];
    }),
    rowCheck(trashDues, async (reader, key) => {
      const record = await trash.get(reader, key[1]);
      if (record?.dueMs === key[0]) return [];
      return [unlisted(key[1], "due time", (tx) => trashDues.delete(tx, key))];
    }),
    rowCheck(trashSizings, async (reader, id) => {
      const record = await trash.get(reader, id);
      if (record !== undefined && record.size === undefined) return [];
      return [unlisted(id, "sum under way", (tx) => trashSizings.delete(tx, id))];
    }),
  ];
}

async function lookAtSession(
  reader: KvReader,
  id: Uint8Array,
  { expiresMs }: UploadSession,
): Promise<readonly Wrong[]> {
  if (await sessionExpiries.has(reader, [expiresMs, id])) return [];
  return [
    {
      kind: "uploadUnlisted",
      subject: uploadName(id),
      message: `it expires at ${expiresMs} and is not listed there`,
      mend: (tx) => sessionExpiries.put(tx, [expiresMs, id], true),
    },
  ];
}

async function lookAtItem(
  reader: KvReader,
  id: TrashId,
  record: TrashRecord,
): Promise<readonly Wrong[]> {
  const { path, dueMs, size, entry } = record;
  const isListed =
    (await trashPaths.has(reader, [trashPathKey(path), id])) &&
    (await trashDues.has(reader, [dueMs, id])) &&
    (size !== undefined || (await trashSizings.has(reader, id)));
  if (isListed) return [];
  return [
    {
      kind: "trashUnlisted",
      subject: `item ${id} of the trash`,
      message: `${path} is not in every index`,
      mend: async (tx) => {
        trashPaths.put(tx, [trashPathKey(path), id], true);
        trashDues.put(tx, [dueMs, id], true);
        if (size !== undefined || (await trashSizings.has(tx, id))) return;
        const stack = [{ directoryId: entry.inodeId, after: "" }];
        const counted = entry.kind === "directory" ? sizeOf(entry) : NOTHING;
        trashSizings.put(tx, id, { size: counted, stack });
      },
    },
  ];
}

function unlisted(id: TrashId, what: string, mend: Wrong["mend"]): Wrong {
  const message = `it is listed by its ${what}, and is not there with that`;
  return { kind: "trashUnlisted", subject: `${what} of item ${id} of the trash`, message, mend };
}

function uploadName(id: Uint8Array): string {
  return `upload ${toHex(id)}`;
}
