import { hasReason } from "@cairnfs/base/errors";

/** What `find` gives; `undefined` when nothing is at its path. */
export async function ifThere<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (hasReason(error, "pathNotFound")) return undefined;
    throw error;
  }
}
