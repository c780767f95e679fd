import { CairnError } from "@cairnfs/base/errors";
import type { KvReader, KvTransaction } from "@cairnfs/kv/kv-store";
import { checkDescription, KEYS_MAX, type KeyPair, ROOT_NAME } from "./access-names.ts";
import { accessKeys, userKeys, users } from "./access-tables.ts";
import type { AccessKeyRecord } from "./user-record.ts";
import { getUser } from "./users.ts";

/** An access key and its id. */
export interface NamedKey {
  readonly accessKeyId: string;
  readonly key: AccessKeyRecord;
}

export interface NewKey extends KeyPair {
  readonly userName: string;
  readonly description: string;
  readonly expiresMs: number;
}

/** Gives a user one more key; `accessKeyExists` when its id is taken. */
export async function createKey(tx: KvTransaction, made: NewKey, nowMs: number): Promise<NamedKey> {
  const { accessKeyId, userName, secretKey, description, expiresMs } = made;
  checkDescription(description);
  if (expiresMs !== 0 && expiresMs <= nowMs) {
    throw new CairnError("invalidArgument", `the key expires at ${expiresMs}, which has passed`);
  }
  const { user } = await getUser(tx, userName);
  if (await accessKeys.has(tx, accessKeyId)) {
    throw new CairnError("accessKeyExists", `there is an access key ${accessKeyId} already`);
  }
  const others = await userKeys.page(tx, { within: [userName], limit: KEYS_MAX });
  if (others.length === KEYS_MAX) {
    throw new CairnError(
      "invalidArgument",
      `the user ${userName} has ${KEYS_MAX} keys, which is as many as a user may have`,
    );
  }
  const key = { userName, secretKey, createdMs: nowMs, isDisabled: false, expiresMs, description };
  accessKeys.put(tx, accessKeyId, key);
  userKeys.put(tx, [userName, accessKeyId], true);
  if (!user.hadKey) users.put(tx, userName, { ...user, hadKey: true });
  return { accessKeyId, key };
}

/** Makes the root user's first key; `undefined` when there was one before, also if it is gone. */
export async function ensureRootKey(
  tx: KvTransaction,
  pair: KeyPair,
  nowMs: number,
): Promise<NamedKey | undefined> {
  const { user } = await getUser(tx, ROOT_NAME);
  if (user.hadKey) return undefined;
  return createKey(tx, { ...pair, userName: ROOT_NAME, description: "", expiresMs: 0 }, nowMs);
}

/** The key of this id, disabled and expired ones too; `accessKeyNotFound`. */
export async function getKey(reader: KvReader, accessKeyId: string): Promise<NamedKey> {
  const key = await accessKeys.get(reader, accessKeyId);
  if (key === undefined) {
    throw new CairnError(
      "accessKeyNotFound",
      `there is no access key ${JSON.stringify(accessKeyId)}`,
    );
  }
  return { accessKeyId, key };
}

export async function setKey(
  tx: KvTransaction,
  accessKeyId: string,
  isDisabled: boolean,
): Promise<NamedKey> {
  const { key } = await getKey(tx, accessKeyId);
  const changed = { ...key, isDisabled };
  accessKeys.put(tx, accessKeyId, changed);
  return { accessKeyId, key: changed };
}

export async function removeKey(tx: KvTransaction, accessKeyId: string): Promise<void> {
  const { key } = await getKey(tx, accessKeyId);
  accessKeys.delete(tx, accessKeyId);
  userKeys.delete(tx, [key.userName, accessKeyId]);
}

export interface KeyPage {
  readonly keys: readonly NamedKey[];
  /** Empty when there is no more. */
  readonly nextAfter: string;
}

/** The keys of a user, or of all when no name is given, by their ids. */
export async function listKeys(
  reader: KvReader,
  page: { readonly userName: string; readonly after: string; readonly limit: number },
): Promise<KeyPage> {
  const keys = page.userName === "" ? await keysOfAll(reader, page) : await keysOf(reader, page);
  return { keys, nextAfter: keys.length < page.limit ? "" : (keys.at(-1)?.accessKeyId ?? "") };
}

async function keysOfAll(
  reader: KvReader,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<NamedKey[]> {
  const rows = await accessKeys.page(reader, { ...(after !== "" && { after }), limit });
  return rows.map(({ key, value }) => ({ accessKeyId: key, key: value }));
}

async function keysOf(
  reader: KvReader,
  page: { readonly userName: string; readonly after: string; readonly limit: number },
): Promise<NamedKey[]> {
  const { userName, after, limit } = page;
  await getUser(reader, userName);
  const from = after === "" ? {} : { after: [userName, after] as const };
  const rows = await userKeys.page(reader, { within: [userName], ...from, limit });
  const ids = rows.map(({ key: [, accessKeyId] }) => accessKeyId);
  const records = await accessKeys.getMany(reader, ids);
  return ids.flatMap((accessKeyId, at) => {
    const key = records[at];
    return key === undefined ? [] : [{ accessKeyId, key }];
  });
}
