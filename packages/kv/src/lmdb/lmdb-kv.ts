import { CairnError } from "@cairnfs/base/errors";
import type { KvStore } from "../kv-store.ts";
import type { OpenKvParts } from "../open.ts";

/** The embedded driver. */
export const LmdbKv = {
  async open(_folder: string, _parts: OpenKvParts): Promise<KvStore> {
    throw new CairnError("unimplemented", "the lmdb driver is not there");
  },
};
