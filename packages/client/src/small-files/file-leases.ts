import { abortable } from "../abort.ts";
import type { CoordinatorLink } from "../coordinator-link.ts";
import { count, parentPath, policyToWire, type StoragePolicy } from "../entry.ts";
import type { NodeTable } from "../node-table.ts";
import type { ClusterLimits } from "../upload/upload-parts.ts";
import { FileLease } from "./file-lease.ts";

/** How many placements small files of one directory are spread over. */
const PLACEMENTS = 32;
/** For so many directories leases are remembered; the one that was taken longest ago goes. */
const LEASES_MAX = 256;

export interface FileLeasesParts {
  readonly coordinator: CoordinatorLink;
  readonly nodes: NodeTable;
  readonly limits: ClusterLimits;
  readonly monotonicMs: () => number;
}

/** The leases of a client: one for each directory and policy that small files are written with. */
export class FileLeases {
  readonly #parts: FileLeasesParts;
  readonly #leases = new Map<string, Promise<FileLease>>();

  constructor(parts: FileLeasesParts) {
    this.#parts = parts;
  }

  /** A lease for a file at `path`; callers at the same time share one. Rejects as the coordinator refuses it. */
  async take(
    path: string,
    policy: StoragePolicy,
    signal: AbortSignal | undefined,
  ): Promise<FileLease> {
    const directory = parentPath(path);
    const key = `${policy.replicationFactor ?? ""} ${policy.chunkSizeBytes ?? ""} ${directory}`;
    const kept = this.#leases.get(key);
    if (kept !== undefined) {
      const lease = await kept.catch(() => undefined);
      if (lease?.isUsable(this.#parts.monotonicMs()) === true) return lease;
      if (this.#leases.get(key) === kept) this.#leases.delete(key);
    }
    const asked = this.#leases.get(key) ?? this.#ask(path, directory, policy);
    this.#keep(key, asked);
    return signal === undefined ? asked : abortable(asked, signal);
  }

  #keep(key: string, lease: Promise<FileLease>): void {
    this.#leases.set(key, lease);
    for (const oldest of this.#leases.keys()) {
      if (this.#leases.size <= LEASES_MAX) return;
      this.#leases.delete(oldest);
    }
  }

  async #ask(path: string, directory: string, policy: StoragePolicy): Promise<FileLease> {
    const { coordinator, nodes, limits, monotonicMs } = this.#parts;
    const nowMs = monotonicMs();
    const reply = await coordinator.call(
      (client, options) =>
        client.leaseFiles(
          { path: directory, policy: policyToWire(policy), count: PLACEMENTS },
          options,
        ),
      { waitsForNodes: true },
    );
    nodes.apply(reply.nodes);
    limits.inlineBytes = count(reply.inlineLimitBytes);
    return new FileLease(reply, { coordinator, path, nowMs });
  }
}
