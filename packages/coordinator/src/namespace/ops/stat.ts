import type { KvReader } from "@cairnfs/kv/kv-store";
import type { Path } from "../path.ts";
import { type Located, requireEntry } from "../resolve.ts";

/** What is at `path`: one read for each component. */
export function stat(reader: KvReader, path: Path): Promise<Located> {
  return requireEntry(reader, path);
}
