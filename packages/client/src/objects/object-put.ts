import type { ObjectPut } from "../upload/upload-parts.ts";
import { type ObjectAttributes, objectAttributesToWire } from "./object-attributes.ts";

/** What is said of an object, or of a part of one; or `finish` says it. */
export interface ObjectSaid {
  readonly object?: Partial<ObjectAttributes> | undefined;
  /**
   * Called once, when the source has been read to its end, before anything is committed: what it gives is said. When it throws
   * the put fails, and nothing is there.
   */
  readonly finish?:
    | (() => Partial<ObjectAttributes> | Promise<Partial<ObjectAttributes>>)
    | undefined;
}

/** How a file is put as a part of an upload: what is said of it is asked for once. */
export function partPut(
  bucket: string,
  options: ObjectSaid,
  part: { readonly uploadId: Uint8Array; readonly partNumber: number },
): ObjectPut {
  return { ...objectPut(bucket, options), isWhole: false, terms: part };
}

/** How a file is put as an object: what is said of it is asked for once. */
export function objectPut(
  bucket: string,
  options: ObjectSaid & { readonly appendAt?: number | undefined },
): ObjectPut {
  const { object = {}, finish, appendAt } = options;
  let said: ReturnType<ObjectPut["attributes"]> | undefined;
  const ask = async () => objectAttributesToWire(finish === undefined ? object : await finish());
  return {
    leasePath: `/${bucket}/`,
    isWhole: appendAt === undefined,
    terms: appendAt === undefined ? {} : { appendAt: BigInt(appendAt) },
    attributes: () => {
      said ??= ask();
      return said;
    },
  };
}
