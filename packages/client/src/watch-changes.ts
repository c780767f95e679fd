import { backoffMs } from "@cairnfs/base/backoff";
import { abortError, CairnError } from "@cairnfs/base/errors";
import { fromHex, toHex } from "@cairnfs/base/hex";
import { type Change, ChangeKind } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ClientConfig } from "./config.ts";
import { type CoordinatorLink, isPassing } from "./coordinator-link.ts";
import { count } from "./entry.ts";

/** One entry of the change log. */
export interface FileChange {
  /** Hexadecimal digits that sort in log order: watch on after it. */
  readonly position: string;
  readonly kind:
    | "put"
    | "make-directory"
    | "rename"
    | "remove"
    | "set-attributes"
    | "restore"
    | "unknown";
  readonly path: string;
  /** Of a rename: where it went. */
  readonly target: string | undefined;
  readonly inodeId: number;
  readonly atMs: number;
}

export interface WatchOptions {
  /** Only changes at or below this path. */
  readonly path?: string | undefined;
  /** From after this position on; only what comes unless given. */
  readonly afterPosition?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Changes as they happen, in log order, until the signal fires or the loop is left. A connection that breaks is made again, as
 * long as it takes, and goes on after the last change that was given.
 */
export async function* watchChanges(
  coordinator: CoordinatorLink,
  config: ClientConfig,
  options: WatchOptions,
): AsyncGenerator<FileChange, void, undefined> {
  const { signal, path = "/" } = options;
  let afterPosition = positionBytes(options.afterPosition);
  let failures = 0;
  for (;;) {
    const { client, at } = coordinator.current();
    try {
      const replies = client.watchChanges({ afterPosition, path }, { signal });
      for await (const reply of replies) {
        failures = 0;
        for (const change of reply.changes) {
          afterPosition = change.position;
          yield fileChange(change);
        }
        // Also without changes: what comes while the connection is made again is not lost.
        if (reply.position.byteLength > 0) afterPosition = reply.position;
      }
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      if (!isPassing(error)) throw error;
      coordinator.failedAt(at, error);
    }
    failures += 1;
    const pauseMs = backoffMs(failures, { baseMs: 50, capMs: 5_000 }, config.random);
    try {
      await config.clock.sleep(pauseMs, signal);
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      throw error;
    }
  }
}

function positionBytes(position: string | undefined): Uint8Array {
  const bytes = fromHex(position ?? "");
  if (bytes === undefined) {
    throw new CairnError("invalidArgument", `a position is hexadecimal digits, not ${position}`);
  }
  return bytes;
}

const KIND_NAMES: Partial<Record<number, FileChange["kind"]>> = {
  [ChangeKind.PUT]: "put",
  [ChangeKind.MAKE_DIRECTORY]: "make-directory",
  [ChangeKind.RENAME]: "rename",
  [ChangeKind.REMOVE]: "remove",
  [ChangeKind.SET_ATTRIBUTES]: "set-attributes",
  [ChangeKind.RESTORE]: "restore",
};

function fileChange(change: Change): FileChange {
  return {
    position: toHex(change.position),
    // A newer coordinator may know kinds that we do not.
    kind: KIND_NAMES[change.kind] ?? "unknown",
    path: change.path,
    target: change.target === "" ? undefined : change.target,
    inodeId: count(change.inodeId),
    atMs: count(change.atMs),
  };
}
