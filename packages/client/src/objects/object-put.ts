import type { ObjectPut } from "../upload/upload-parts.ts";
import { type ObjectAttributes, objectAttributesToWire } from "./object-attributes.ts";

/** How a file is put as an object: what is said of it is asked for once. */
export function objectPut(
  bucket: string,
  options: {
    readonly object?: Partial<ObjectAttributes> | undefined;
    readonly finish?:
      | (() => Partial<ObjectAttributes> | Promise<Partial<ObjectAttributes>>)
      | undefined;
    readonly appendAt?: number | undefined;
  },
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
