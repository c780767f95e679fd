import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { Random } from "@cairnfs/base/random";
import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { checkEmail, checkUserName, KEYS_MAX, POLICIES_MAX, ROOT_NAME } from "./access-names.ts";
import { accessKeys, userEmails, userIds, userKeys, users } from "./access-tables.ts";
import type { UserRecord } from "./user-record.ts";

/** A user and its name, which is its key. */
export interface NamedUser {
  readonly name: string;
  readonly user: UserRecord;
}

export interface NewUser {
  readonly name: string;
  readonly email: string;
  readonly isRoot?: boolean;
}

const USER_ID_BYTES = 32;
/** A user may have 200 KiB of policies: a page of the store holds so many at most. */
const SCAN_ROWS = 8;
const PAGE_BYTES_MAX = 1024 * 1024;

/** Makes the root user of a new store. */
export async function ensureRootUser(
  tx: KvTransaction,
  nowMs: number,
  random: Random,
): Promise<void> {
  if (await users.has(tx, ROOT_NAME)) return;
  putNewUser(tx, { name: ROOT_NAME, email: "", isRoot: true }, nowMs, random);
}

/** Makes a user without keys and policies; `userExists` when the name or the email is taken. */
export async function createUser(
  tx: KvTransaction,
  made: NewUser,
  nowMs: number,
  random: Random,
): Promise<NamedUser> {
  checkUserName(made.name);
  checkEmail(made.email);
  if (await users.has(tx, made.name)) {
    throw new CairnError("userExists", `there is a user ${made.name} already`);
  }
  if (made.email !== "" && (await userEmails.has(tx, emailKey(made.email)))) {
    throw new CairnError("userExists", `there is a user with the email ${made.email} already`);
  }
  return putNewUser(tx, made, nowMs, random);
}

function putNewUser(
  tx: KvTransaction,
  { name, email, isRoot = false }: NewUser,
  nowMs: number,
  random: Random,
): NamedUser {
  const userId = toHex(random.bytes(USER_ID_BYTES));
  const policies = new Map<string, string>();
  const user = { userId, createdMs: nowMs, isRoot, hadKey: false, email, policies };
  users.put(tx, name, user);
  userIds.put(tx, userId, name);
  if (email !== "") userEmails.put(tx, emailKey(email), name);
  return { name, user };
}

/** The user of this name; `userNotFound`. */
export async function getUser(reader: KvReader, name: string): Promise<NamedUser> {
  const user = await users.get(reader, name);
  if (user === undefined) throw userNotFound(`there is no user ${JSON.stringify(name)}`);
  return { name, user };
}

export async function getUserById(reader: KvReader, userId: string): Promise<NamedUser> {
  const name = await userIds.get(reader, userId);
  if (name === undefined) throw userNotFound("there is no user with this id");
  return getUser(reader, name);
}

export async function getUserByEmail(reader: KvReader, email: string): Promise<NamedUser> {
  const name = await userEmails.get(reader, emailKey(email));
  if (name === undefined) throw userNotFound(`there is no user with the email ${email}`);
  return getUser(reader, name);
}

/** Removes a user with its keys. The root user is refused as `invalidArgument`. */
export async function removeUser(tx: KvTransaction, name: string): Promise<void> {
  const { user } = await getUser(tx, name);
  if (user.isRoot) throw new CairnError("invalidArgument", "the root user cannot be removed");
  for (const { key } of await userKeys.page(tx, { within: [name], limit: KEYS_MAX })) {
    const [, accessKeyId] = key;
    accessKeys.delete(tx, accessKeyId);
    userKeys.delete(tx, key);
  }
  users.delete(tx, name);
  userIds.delete(tx, user.userId);
  if (user.email !== "") userEmails.delete(tx, emailKey(user.email));
}

/** Gives a user a policy, or takes it away when the document is empty. */
export async function setUserPolicy(
  tx: KvTransaction,
  name: string,
  policy: { readonly name: string; readonly document: string },
): Promise<NamedUser> {
  const { user } = await getUser(tx, name);
  const policies = new Map(user.policies);
  if (policy.document === "") policies.delete(policy.name);
  else policies.set(policy.name, policy.document);
  if (policies.size > POLICIES_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the user ${name} has ${POLICIES_MAX} policies, which is as many as a user may have`,
    );
  }
  const changed = { ...user, policies };
  users.put(tx, name, changed);
  return { name, user: changed };
}

export interface UserPage {
  readonly users: readonly NamedUser[];
  /** Empty when there is no more. */
  readonly nextAfter: string;
}

/** Users by name. The page ends after `limit` of them, or where they have grown large. */
export async function listUsers(
  reader: KvReader,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<UserPage> {
  const found: NamedUser[] = [];
  let sizeBytes = 0;
  const from = after === "" ? {} : { after };
  for await (const { key: name, value: user } of users.scan(reader, {
    ...from,
    limit: SCAN_ROWS,
  })) {
    if (found.length >= limit || sizeBytes >= PAGE_BYTES_MAX) {
      return { users: found, nextAfter: found.at(-1)?.name ?? "" };
    }
    found.push({ name, user });
    for (const document of user.policies.values()) sizeBytes += Buffer.byteLength(document);
  }
  return { users: found, nextAfter: "" };
}

/** The key of an email: emails are one whatever their case. */
export function emailKey(email: string): string {
  return email.toLowerCase();
}

function userNotFound(message: string): CairnError {
  return new CairnError("userNotFound", message);
}
