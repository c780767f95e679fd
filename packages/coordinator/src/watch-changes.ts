import type { MessageInitShape } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import type { KvStore } from "@cairnfs/kv/kv-store";
import type { Row } from "@cairnfs/kv/table";
import type {
  ChangeSchema,
  WatchChangesResponseSchema,
} from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import type { ChangeRecord } from "./change-record.ts";
import { changeLog, POSITION_BYTES } from "./keyspace.ts";
import { isAtOrBelow } from "./namespace/path.ts";
import { trimmedPosition } from "./single-values.ts";

const PAGE_CHANGES = 256;
const BEFORE_ALL: Uint8Array = new Uint8Array(POSITION_BYTES);

export interface Watch {
  /** Empty: only what comes. */
  readonly afterPosition: Uint8Array;
  /** Only changes at or below it. */
  readonly path: string;
}

/**
 * The changes after a position and then as they happen, until `signal` fires. The first answer comes at once, empty
 * when there is nothing yet: from then on nothing is missed. `changesTrimmed` when the log was cut past the position.
 */
export async function* watchChanges(
  kv: KvStore,
  watch: Watch,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof WatchChangesResponseSchema>, void, undefined> {
  // Listening starts before the first look, so that no commit falls between the two.
  const bell = new Bell();
  const silence = kv.onAppend(() => bell.ring());
  const hush = () => bell.ring();
  signal.addEventListener("abort", hush);
  try {
    let position = await startOf(kv, watch.afterPosition);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const rows = await kv.read(async (reader) => {
        refuseTrimmed(await trimmedPosition.get(reader, "log-trimmed"), position);
        return changeLog.page(reader, { after: position, limit: PAGE_CHANGES });
      });
      position = rows.at(-1)?.key ?? position;
      const changes = rows.filter(({ value }) => concerns(value, watch.path)).map(changeMessage);
      if (isFirst || changes.length > 0) yield { changes, position };
      if (rows.length < PAGE_CHANGES && !signal.aborted) await bell.rung();
    }
  } finally {
    silence();
    signal.removeEventListener("abort", hush);
  }
}

async function startOf(kv: KvStore, afterPosition: Uint8Array): Promise<Uint8Array> {
  if (afterPosition.byteLength === POSITION_BYTES) return afterPosition;
  if (afterPosition.byteLength > 0) {
    throw new CairnError(
      "invalidArgument",
      `a position has ${POSITION_BYTES} bytes, not ${afterPosition.byteLength}`,
    );
  }
  return kv.read(async (reader) => {
    const last = await changeLog.first(reader, { reverse: true });
    return last?.key ?? (await trimmedPosition.get(reader, "log-trimmed")) ?? BEFORE_ALL;
  });
}

function refuseTrimmed(trimmed: Uint8Array | undefined, position: Uint8Array): void {
  if (trimmed === undefined || Buffer.compare(trimmed, position) <= 0) return;
  throw new CairnError(
    "changesTrimmed",
    `the change log was cut at ${toHex(trimmed)}, after position ${toHex(position)}`,
  );
}

function concerns(change: ChangeRecord, path: string): boolean {
  if (path === "/" || isAtOrBelow(change.path, path)) return true;
  return change.target !== "" && isAtOrBelow(change.target, path);
}

function changeMessage({
  key,
  value,
}: Row<Uint8Array, ChangeRecord>): MessageInitShape<typeof ChangeSchema> {
  return {
    position: key,
    kind: value.kind,
    path: value.path,
    target: value.target,
    inodeId: BigInt(value.inodeId),
    atMs: BigInt(value.atMs),
  };
}

/** Wakes one who waits; a ring that nobody waited for wakes the next. */
class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  async rung(): Promise<void> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasRung = false;
  }
}
