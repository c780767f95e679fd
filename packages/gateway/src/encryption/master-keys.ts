import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "@cairnfs/base/random";
import type { MasterKey } from "@cairnfs/client/access";
import { type ClusterKeyRecord, NONCE_BYTES } from "./encryption-record.ts";

/** Wraps a content's key. */
export function wrapKey(
  contentKey: Uint8Array,
  salt: Uint8Array,
  master: MasterKey,
  random: Random,
): ClusterKeyRecord {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", master.key, nonce).setAAD(salt);
  const wrapped = Buffer.concat([cipher.update(contentKey), cipher.final()]);
  const tag = cipher.getAuthTag();
  return { kind: "cluster", salt, masterNumber: master.number, nonce, wrapped, tag };
}

/** The content's key; throws when the record was changed or the master key is another. */
export function unwrapKey(record: ClusterKeyRecord, master: MasterKey): Uint8Array {
  const decipher = createDecipheriv("aes-256-gcm", master.key, record.nonce, {
    authTagLength: 16,
  });
  decipher.setAAD(record.salt).setAuthTag(record.tag);
  return Buffer.concat([decipher.update(record.wrapped), decipher.final()]);
}
