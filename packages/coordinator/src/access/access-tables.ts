import { restText, text, tuple } from "@cairnfs/kv/ordered-key";
import { recordCodec } from "@cairnfs/kv/record";
import { Table } from "@cairnfs/kv/table";
import { presence } from "../keyspace.ts";
import { type AccessKeyRecord, accessKeyCodec, type UserRecord, userCodec } from "./user-record.ts";

export const users = new Table<string, UserRecord>({
  prefix: "user",
  key: restText,
  value: userCodec,
});

const nameOfUser = recordCodec<string>("user name", {
  version: 1,
  write: (to, name) => to.text(name),
  read: (from) => from.text(),
});

export const userIds = new Table<string, string>({
  prefix: "usid",
  key: restText,
  value: nameOfUser,
});

/** By the email in lower case. */
export const userEmails = new Table<string, string>({
  prefix: "usem",
  key: restText,
  value: nameOfUser,
});

export const accessKeys = new Table<string, AccessKeyRecord>({
  prefix: "akey",
  key: restText,
  value: accessKeyCodec,
});

/** By the name of the user and the id of the key. */
export const userKeys = new Table<readonly [string, string], true>({
  prefix: "ukey",
  key: tuple(text, restText),
  value: presence,
});
