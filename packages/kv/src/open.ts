import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import type { Logger } from "@cairnfs/base/telemetry";
import type { KvStore } from "./kv-store.ts";

export interface OpenKvParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
  /** So much of the disk is kept for deletions when it is full; none unless given. */
  readonly reserveBytes?: number;
}

/** Opens the store that `url` names, `memory:` or `lmdb:/folder`, and loads the code of that driver only. */
export async function openKv(url: string, parts: OpenKvParts): Promise<KvStore> {
  const colon = url.indexOf(":");
  const scheme = url.slice(0, colon);
  const rest = url.slice(colon + 1);
  if (scheme === "memory" && rest === "") {
    const { MemoryKv } = await import("./memory/memory-kv.ts");
    return new MemoryKv(parts);
  }
  if (scheme === "lmdb" && rest !== "") {
    const { LmdbKv } = await import("./lmdb/lmdb-kv.ts");
    return LmdbKv.open(rest, parts);
  }
  throw new CairnError(
    "invalidConfig",
    `the metadata store is ${JSON.stringify(url)}, expected memory: or lmdb:/folder`,
  );
}
