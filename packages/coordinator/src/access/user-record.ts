/**
 * Users and their access keys, the values of `user` and `akey`:
 *
 *     user  | version 1 | id text | created ms varint | root u8 | had a key u8 | email text | policies textMap |
 *     akey  | version 1 | user name text | secret text | created ms varint | disabled u8 | expires ms varint | description text |
 *
 * docs/formats/keyspace.md is the register.
 */

import { recordCodec } from "@cairnfs/kv/record";

/** Somebody who may be allowed something. */
export interface UserRecord {
  /** 64 hexadecimal digits, never given to another. */
  readonly userId: string;
  readonly createdMs: number;
  readonly isRoot: boolean;
  /** It has, or had, an access key. */
  readonly hadKey: boolean;
  /** Empty: none. */
  readonly email: string;
  /** Policy documents by their names. */
  readonly policies: ReadonlyMap<string, string>;
}

/** What proves that a request is a user's. */
export interface AccessKeyRecord {
  readonly userName: string;
  readonly secretKey: string;
  readonly createdMs: number;
  readonly isDisabled: boolean;
  /** 0: never. */
  readonly expiresMs: number;
  readonly description: string;
}

export const userCodec = recordCodec<UserRecord>("user", {
  version: 1,
  write: (to, user) => {
    to.text(user.userId);
    to.varint(user.createdMs);
    to.bool(user.isRoot);
    to.bool(user.hadKey);
    to.text(user.email);
    to.textMap(user.policies);
  },
  read: (from) => ({
    userId: from.text(),
    createdMs: from.varint(),
    isRoot: from.bool(),
    hadKey: from.bool(),
    email: from.text(),
    policies: from.textMap(),
  }),
});

export const accessKeyCodec = recordCodec<AccessKeyRecord>("access key", {
  version: 1,
  write: (to, key) => {
    to.text(key.userName);
    to.text(key.secretKey);
    to.varint(key.createdMs);
    to.bool(key.isDisabled);
    to.varint(key.expiresMs);
    to.text(key.description);
  },
  read: (from) => ({
    userName: from.text(),
    secretKey: from.text(),
    createdMs: from.varint(),
    isDisabled: from.bool(),
    expiresMs: from.varint(),
    description: from.text(),
  }),
});
