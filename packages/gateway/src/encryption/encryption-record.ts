/**
 * What an object, or a part of one, keeps of its encryption (`ObjectAttributes.encryption`; docs/formats/object-encryption.md):
 *
 *   offset  bytes  field
 *        0      1  version: 1
 *        1      1  kind: 1 the customer's key, 2 the cluster's
 *        2     16  salt: makes the key of this content, and of this one alone
 *   kind 1:
 *       18     32  HMAC-SHA-256 of the salt under the customer's key, by which that key is known again
 *   kind 2:
 *       18      4  number of the master key, big-endian
 *       22     12  nonce
 *       34     32  the content's key, encrypted by AES-256-GCM under the master key, the salt being authenticated
 *       66     16  tag
 */
export type EncryptionRecord = CustomerKeyRecord | ClusterKeyRecord;

/** Encrypted with a key that the client keeps. */
export interface CustomerKeyRecord {
  readonly kind: "customer";
  readonly salt: Uint8Array;
  readonly keyHash: Uint8Array;
}

/** Encrypted with a key of the cluster's. */
export interface ClusterKeyRecord {
  readonly kind: "cluster";
  readonly salt: Uint8Array;
  readonly masterNumber: number;
  readonly nonce: Uint8Array;
  readonly wrapped: Uint8Array;
  readonly tag: Uint8Array;
}

const VERSION = 1;
const CUSTOMER = 1;
const CLUSTER = 2;
const CUSTOMER_BYTES = 50;
const CLUSTER_BYTES = 82;
export const SALT_BYTES = 16;
export const NONCE_BYTES = 12;

export function encodeEncryption(record: EncryptionRecord): Uint8Array {
  if (record.kind === "customer") {
    return Buffer.concat([Uint8Array.of(VERSION, CUSTOMER), record.salt, record.keyHash]);
  }
  const number = Buffer.alloc(4);
  number.writeUInt32BE(record.masterNumber);
  const { salt, nonce, wrapped, tag } = record;
  return Buffer.concat([Uint8Array.of(VERSION, CLUSTER), salt, number, nonce, wrapped, tag]);
}

/** Undefined for an object that is not encrypted. What is no record at all is an error: its content cannot be read. */
export function decodeEncryption(bytes: Uint8Array): EncryptionRecord | undefined {
  if (bytes.byteLength === 0) return undefined;
  const [version, kind] = bytes;
  const salt = bytes.subarray(2, 18);
  if (version === VERSION && kind === CUSTOMER && bytes.byteLength === CUSTOMER_BYTES) {
    return { kind: "customer", salt, keyHash: bytes.subarray(18) };
  }
  if (version === VERSION && kind === CLUSTER && bytes.byteLength === CLUSTER_BYTES) {
    return {
      kind: "cluster",
      salt,
      masterNumber: Buffer.from(bytes.subarray(18, 22)).readUInt32BE(),
      nonce: bytes.subarray(22, 34),
      wrapped: bytes.subarray(34, 66),
      tag: bytes.subarray(66),
    };
  }
  throw new Error(`an encryption record of version ${version}, kind ${kind} cannot be read`);
}
