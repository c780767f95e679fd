import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import type { Wrong } from "../check/finding.ts";
import { type RowCheck, rowCheck } from "../check/row-checks.ts";
import { accessKeys, userEmails, userIds, userKeys, users } from "./access-tables.ts";
import type { UserRecord } from "./user-record.ts";
import { emailKey } from "./users.ts";

/** Whether users and access keys are listed where they are looked for, and belong together. */
export function userChecks(): readonly RowCheck[] {
  return [
    rowCheck(users, lookAtUser),
    rowCheck(userIds, async (reader, id, name) => {
      const isIts = (await users.get(reader, name))?.userId === id;
      return isIts ? [] : [stale(`id ${id}`, name, (tx) => userIds.delete(tx, id))];
    }),
    rowCheck(userEmails, async (reader, email, name) => {
      const user = await users.get(reader, name);
      const isIts = user !== undefined && emailKey(user.email) === email;
      return isIts ? [] : [stale(`email ${email}`, name, (tx) => userEmails.delete(tx, email))];
    }),
    rowCheck(accessKeys, async (reader, id, { userName }) => {
      if (!(await users.has(reader, userName))) {
        return [stale(`access key ${id}`, userName, (tx) => accessKeys.delete(tx, id))];
      }
      if (await userKeys.has(reader, [userName, id])) return [];
      const mend = (tx: KvTransaction) => userKeys.put(tx, [userName, id], true);
      return [wrong(`access key ${id}`, `it is not among those of the user ${userName}`, mend)];
    }),
    rowCheck(userKeys, async (reader, key) => {
      const [name, id] = key;
      if ((await accessKeys.get(reader, id))?.userName === name) return [];
      const mend = (tx: KvTransaction) => userKeys.delete(tx, key);
      return [wrong(`key ${id} of the user ${name}`, "it is listed, and not there", mend)];
    }),
  ];
}

async function lookAtUser(
  reader: KvReader,
  name: string,
  { userId, email }: UserRecord,
): Promise<readonly Wrong[]> {
  const isListed =
    (await userIds.get(reader, userId)) === name &&
    (email === "" || (await userEmails.get(reader, emailKey(email))) === name);
  if (isListed) return [];
  return [
    wrong(`user ${name}`, "it is not found by its id or its email", (tx) => {
      userIds.put(tx, userId, name);
      if (email !== "") userEmails.put(tx, emailKey(email), name);
    }),
  ];
}

function stale(what: string, userName: string, mend: Wrong["mend"]): Wrong {
  return wrong(what, `it is said to be of ${userName}, and is no user's`, mend);
}

function wrong(subject: string, message: string, mend: Wrong["mend"]): Wrong {
  return { kind: "userUnlisted", subject, message, mend };
}
