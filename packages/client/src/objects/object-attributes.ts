import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ObjectAttributes as ObjectAttributesMessage,
  ObjectAttributesSchema,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";

/** A checksum of an object's content, as its writer gave it. */
export interface ObjectChecksum {
  /** As the door names it, in lower case: crc64nvme. */
  readonly algorithm: string;
  /** Of the parts' checksums, not of the content. */
  readonly isComposite: boolean;
  readonly value: Uint8Array;
}

/** What object storage says of a file, beside its content type and user metadata. */
export interface ObjectAttributes {
  /** 16 bytes: of the content or, of an object in parts, of the parts' MD5s. Empty: nobody computed it. */
  readonly md5: Uint8Array;
  /** Of how many parts the object was made; 0: it was put whole. */
  readonly partCount: number;
  /** Given back as they came: cache-control, content-disposition and the like. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksums: readonly ObjectChecksum[];
  readonly tags: Readonly<Record<string, string>>;
  /** As the door writes it; empty: private to the owner. */
  readonly acl: Uint8Array;
  /** As the door writes it; empty: not encrypted. */
  readonly encryption: Uint8Array;
  /** A user's id; empty: the root user. */
  readonly owner: string;
  /** 0 none, 1 governance, 2 compliance. */
  readonly retentionMode: number;
  readonly retainUntilMs: number;
  readonly hasLegalHold: boolean;
}

export function objectAttributesFromWire(message: ObjectAttributesMessage): ObjectAttributes {
  const { $typeName: _, $unknown: __, retainUntilMs, checksums, ...same } = message;
  return {
    ...same,
    checksums: checksums.map(({ algorithm, isComposite, value }) => ({
      algorithm,
      isComposite,
      value,
    })),
    retainUntilMs: Number(retainUntilMs),
  };
}

export function objectAttributesToWire(
  attributes: Partial<ObjectAttributes>,
): MessageInitShape<typeof ObjectAttributesSchema> {
  const { retainUntilMs = 0, checksums = [], headers = {}, tags = {}, ...same } = attributes;
  return {
    ...same,
    headers: { ...headers },
    tags: { ...tags },
    checksums: [...checksums],
    retainUntilMs: BigInt(retainUntilMs),
  };
}
