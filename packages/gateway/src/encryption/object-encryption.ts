import type { Random } from "@cairnfs/base/random";
import type { BucketDetails } from "@cairnfs/client";
import { encryptsByDefault } from "../documents/encryption.ts";
import { S3Error } from "../s3/errors.ts";
import type { RequestHeaders } from "../s3/operation.ts";
import { ContentCipher } from "./content-cipher.ts";
import {
  type CustomerKey,
  checkCustomerKey,
  customerContentKey,
  customerEtag,
  customerKey,
  customerKeyHeaders,
  customerRecord,
  isCustomerKey,
} from "./customer-key.ts";
import {
  decodeEncryption,
  type EncryptionRecord,
  encodeEncryption,
  SALT_BYTES,
} from "./encryption-record.ts";
import type { MasterKeySource } from "./master-key-source.ts";
import { unwrapKey, wrapKey } from "./master-keys.ts";

const SSE = "x-amz-server-side-encryption";
const CONTENT_KEY_BYTES = 32;

/** What encryption works with. */
export interface EncryptionParts {
  readonly random: Random;
  readonly masterKeys: MasterKeySource;
}

/** How a content is encrypted that is about to be written. */
export interface WriteEncryption {
  readonly cipher: ContentCipher;
  /** Of `ObjectAttributes`. */
  readonly record: Uint8Array;
  /** What the reply says of it. */
  readonly headers: Readonly<Record<string, string>>;
  /** What stands for the content's MD5 as its ETag. */
  etag(md5: Uint8Array): Uint8Array;
}

/** How a content that was encrypted is read. */
export interface ReadEncryption {
  readonly cipher: ContentCipher;
  readonly headers: Readonly<Record<string, string>>;
}

/** How a write is to be encrypted: with the customer's key, the cluster's, or not at all. */
export type WantedEncryption =
  | { readonly kind: "customer"; readonly key: CustomerKey }
  | { readonly kind: "cluster" }
  | { readonly kind: "none" };

/** What the headers of a write and the bucket ask for. Keys of a key management service are `NotImplemented`. */
export function wantedEncryption(
  headers: RequestHeaders,
  bucket: Pick<BucketDetails, "documents">,
): WantedEncryption {
  const key = customerKey(headers);
  const algorithm = headers[SSE];
  if (key !== undefined) {
    if (algorithm !== undefined) {
      throw new S3Error("InvalidArgument", {
        message:
          "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
      });
    }
    return { kind: "customer", key };
  }
  checkAlgorithm(headers, algorithm);
  if (algorithm === "AES256") return { kind: "cluster" };
  const byDefault = bucket.documents.get("encryption");
  const isDefault =
    byDefault !== undefined && encryptsByDefault(Buffer.from(byDefault).toString("utf8"));
  return isDefault ? { kind: "cluster" } : { kind: "none" };
}

function checkAlgorithm(headers: RequestHeaders, algorithm: string | undefined): void {
  if (algorithm === "aws:kms" || algorithm === "aws:kms:dsse") {
    throw new S3Error("NotImplemented", {
      message: "Encryption with keys of a key management service is not implemented.",
    });
  }
  const keyId = headers[`${SSE}-aws-kms-key-id`];
  if (keyId !== undefined) {
    throw new S3Error("InvalidArgument", {
      message: `${SSE}-aws-kms-key-id needs ${SSE}: aws:kms`,
    });
  }
  if (algorithm !== undefined && algorithm !== "AES256") {
    throw new S3Error("InvalidArgument", {
      message: "The encryption method specified is not supported",
      details: { ArgumentName: SSE, ArgumentValue: algorithm },
    });
  }
}

/** Makes the key of one content, and what is kept of it; undefined for a content that is not encrypted. */
export async function beginEncryption(
  wanted: WantedEncryption,
  { random, masterKeys }: EncryptionParts,
): Promise<WriteEncryption | undefined> {
  if (wanted.kind === "none") return undefined;
  const salt = random.bytes(SALT_BYTES);
  if (wanted.kind === "customer") {
    const { key } = wanted;
    return {
      cipher: new ContentCipher(customerContentKey(key, salt)),
      record: encodeEncryption(customerRecord(key, salt)),
      headers: customerKeyHeaders(key),
      etag: (md5) => customerEtag(key, md5),
    };
  }
  const contentKey = random.bytes(CONTENT_KEY_BYTES);
  const record = wrapKey(contentKey, salt, await masterKeys.newest(), random);
  return {
    cipher: new ContentCipher(contentKey),
    record: encodeEncryption(record),
    headers: { [SSE]: "AES256" },
    etag: (md5) => md5,
  };
}

/**
 * How a content with this record is read by who sends these headers; undefined for a content that is not encrypted. `isOfSource`: it is the
 * source of a copy, whose key has headers of its own.
 */
export async function readEncryption(
  record: Uint8Array,
  headers: RequestHeaders,
  { masterKeys }: Pick<EncryptionParts, "masterKeys">,
  isOfSource = false,
): Promise<ReadEncryption | undefined> {
  const decoded = decodeEncryption(record);
  const key = customerKey(headers, isOfSource);
  checkKeyFits(decoded, key);
  if (decoded === undefined) return undefined;
  if (decoded.kind === "cluster") {
    const contentKey = unwrapKey(decoded, await masterKeys.numbered(decoded.masterNumber));
    return { cipher: new ContentCipher(contentKey), headers: { [SSE]: "AES256" } };
  }
  if (key === undefined) return undefined;
  checkCustomerKey(key, decoded);
  return {
    cipher: new ContentCipher(customerContentKey(key, decoded.salt)),
    headers: customerKeyHeaders(key),
  };
}

function checkKeyFits(record: EncryptionRecord | undefined, key: CustomerKey | undefined): void {
  if (record?.kind === "customer" && key === undefined) {
    throw new S3Error("InvalidRequest", {
      message:
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    });
  }
  if (record?.kind !== "customer" && key !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "The encryption parameters are not applicable to this object.",
    });
  }
}

/**
 * How a part of an upload is to be encrypted, where the upload has this record: with the same customer's key, which the part's request has to bring,
 * or under the cluster's.
 */
export function wantedPartEncryption(
  uploadRecord: Uint8Array,
  headers: RequestHeaders,
): WantedEncryption {
  const record = decodeEncryption(uploadRecord);
  const key = customerKey(headers);
  if (record?.kind !== "customer") {
    if (key !== undefined) {
      throw new S3Error("InvalidRequest", {
        message:
          "The multipart upload was initiated without a customer provided key, and the part has one.",
      });
    }
    return { kind: record === undefined ? "none" : "cluster" };
  }
  if (key === undefined) {
    throw new S3Error("InvalidRequest", {
      message:
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
    });
  }
  if (!isCustomerKey(key, record)) {
    throw new S3Error("InvalidRequest", {
      message: "The provided encryption parameters did not match the ones used originally.",
    });
  }
  return { kind: "customer", key };
}

/** What replies say of how an object with this record is encrypted, to who has not sent a key. */
export function encryptionHeadersOf(
  record: Uint8Array | undefined,
): Readonly<Record<string, string>> {
  const decoded = record === undefined ? undefined : decodeEncryption(record);
  if (decoded === undefined) return {};
  return decoded.kind === "cluster"
    ? { [SSE]: "AES256" }
    : { [`${SSE}-customer-algorithm`]: "AES256" };
}
