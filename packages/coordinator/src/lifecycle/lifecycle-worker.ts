import type { Clock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import type { Counter, Logger, Metrics } from "@cairnfs/base/telemetry";
import type { Step, Worker } from "@cairnfs/base/worker";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import { isBucketName } from "@cairnfs/protocol/bucket-name";
import type { Lifecycle } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { decodeLifecycle } from "../buckets/lifecycle-document.ts";
import { readTopDirectory } from "../buckets/read-bucket.ts";
import { bucketLifecycles, entries } from "../keyspace.ts";
import { sortNameOf } from "../namespace/entry.ts";
import { ROOT_ID } from "../namespace/ids.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { nowMsOf } from "../namespace/now-ms.ts";
import { abortDueUploads } from "./due-uploads.ts";
import { type DueVersion, type DueVersions, dueVersions } from "./due-versions.ts";
import {
  LAP_START,
  type LapPlace,
  type LapState,
  lapStates,
  readLapState,
  uploadsOf,
  versionsOf,
} from "./lap-state.ts";
import { type LifecycleBucket, pathOfDue, removeDue } from "./remove-due.ts";
import { rulesInForce } from "./rules.ts";

/** So many names of the root are looked at in one step. */
const STEP_NAMES = 512;
/** So many versions are looked at in one step where none is due. */
const STEP_VERSIONS_MAX = 2_048;
/** What a page counts for at least: it may have been spent on empty directories. */
const STEP_VERSIONS_MIN = 256;
/** So many versions are let go at the same time. */
const REMOVALS = 8;
/** So long it sleeps at most when there is nothing to do. */
const IDLE_PAUSE_MS = 3_600_000;

/** What stands in the way of a removal, and is none of the worker's business. */
const NOT_TO_GO = [
  "objectLocked",
  "preconditionFailed",
  "pathNotFound",
  "versionNotFound",
] as const;

export interface LifecycleSettings {
  /** How long a day of a rule lasts. */
  readonly lifecycleDayMs: number;
  /** How often rules are carried out. */
  readonly lifecycleIntervalMs: number;
}

export interface LifecycleParts {
  readonly kv: KvStore;
  readonly clock: Clock;
  readonly mutator: Mutator;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: LifecycleSettings;
  /** Hears that there is something to take apart. */
  readonly onEnded: () => void;
}

/**
 * Carries out the lifecycles of buckets: once in an interval it looks at all that buckets with rules have, a bounded piece in each step. How far it has come is
 * in the store, so that whoever runs it next goes on there. Where no bucket has rules it sleeps until it is woken.
 */
export class LifecycleWorker implements Worker {
  readonly name = "lifecycle";
  readonly #parts: LifecycleParts;
  readonly #seen: Counter;
  readonly #removed: Counter;
  readonly #laps: Counter;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    const { metrics } = parts;
    this.#seen = metrics.counter(
      "cairn_lifecycle_versions_seen_total",
      "Versions of objects, and delete markers, that lifecycle rules have looked at.",
    );
    this.#removed = metrics.counter(
      "cairn_lifecycle_removed_total",
      "What lifecycle rules have removed: object, version, deleteMarker, upload.",
      ["what"],
    );
    this.#laps = metrics.counter(
      "cairn_lifecycle_laps_total",
      "How often the lifecycles of all buckets were carried out.",
    );
  }

  async step(signal: AbortSignal): Promise<Step> {
    const { kv, clock } = this.#parts;
    const nowMs = nowMsOf(clock);
    const { state, hasRules } = await kv.read(async (reader) => ({
      state: await readLapState(reader),
      hasRules: (await bucketLifecycles.rawPage(reader, { limit: 1 })).length > 0,
    }));
    if (state.place === undefined) {
      if (!hasRules) return { pauseMs: IDLE_PAUSE_MS };
      const nextMs = this.#nextLapMs(state);
      if (nowMs < nextMs) return { pauseMs: Math.min(IDLE_PAUSE_MS, nextMs - nowMs) };
      await this.#write({ startedMs: nowMs, place: LAP_START }, signal);
      return "again";
    }
    const place = hasRules ? await this.#goOn(state.place, nowMs, signal) : undefined;
    if (place === undefined) this.#laps.add(1);
    await this.#write({ ...state, place }, signal);
    return "again";
  }

  /** Laps begin where an interval does, counted from the epoch: of a day, at midnight in UTC. */
  #nextLapMs({ startedMs }: LapState): number {
    const { lifecycleIntervalMs } = this.#parts.settings;
    return (Math.floor(startedMs / lifecycleIntervalMs) + 1) * lifecycleIntervalMs;
  }

  async #write(state: LapState, signal: AbortSignal): Promise<void> {
    const { kv } = this.#parts;
    await kv.transact((tx) => lapStates.put(tx, "lifecycle", state), { signal });
  }

  /** Does what is to be done at a place; the next one, or none when the lap has ended. */
  async #goOn(place: LapPlace, nowMs: number, signal: AbortSignal): Promise<LapPlace | undefined> {
    const { kv, mutator } = this.#parts;
    if (place.kind === "between") return kv.read((reader) => nextBucket(reader, place.after));
    const after: LapPlace = { kind: "between", after: sortNameOf(place.bucket, "directory") };
    const found = await kv.read((reader) => readRules(reader, place.bucket));
    if (found === undefined) return after;
    const { bucket, lifecycle } = found;
    const rules = rulesInForce(lifecycle);
    const times = { nowMs, dayMs: this.#parts.settings.lifecycleDayMs };
    if (place.kind === "uploads") {
      if (rules.uploads.length === 0) return after;
      const request = { rules: rules.uploads, place, times };
      const { aborted, next } = await mutator.run(
        0,
        (mutation) => abortDueUploads(mutation, bucket, request),
        signal,
        FREES,
      );
      if (aborted > 0) this.#removed.add(aborted, { what: "upload" });
      if (aborted > 0) this.#parts.onEnded();
      return next ?? after;
    }
    if (rules.versions.length === 0) return uploadsOf(bucket.name);
    const { due, next } = await this.#findDue(bucket, { rules: rules.versions, place, times });
    for (let at = 0; at < due.length; at += REMOVALS) {
      const some = due.slice(at, at + REMOVALS);
      await Promise.all(some.map((one) => this.#remove(bucket, one, signal)));
    }
    if (due.length > 0) this.#parts.onEnded();
    return next ?? uploadsOf(bucket.name);
  }

  /** Looks for versions that are due, page by page, until there are some or many have been looked at. */
  async #findDue(
    bucket: LifecycleBucket,
    request: Parameters<typeof dueVersions>[2],
  ): Promise<DueVersions> {
    let { place } = request;
    for (let left = STEP_VERSIONS_MAX; ; ) {
      const from = place;
      const found = await this.#parts.kv.read((reader) =>
        dueVersions(reader, bucket.id, { ...request, place: from }),
      );
      this.#seen.add(found.seen);
      left -= Math.max(found.seen, STEP_VERSIONS_MIN);
      if (found.due.length > 0 || found.next === undefined || left <= 0) return found;
      place = found.next;
    }
  }

  async #remove(bucket: LifecycleBucket, due: DueVersion, signal: AbortSignal): Promise<void> {
    const { mutator, logger } = this.#parts;
    const path = pathOfDue(bucket, due);
    try {
      const idsMax = path.names.length + 2;
      const removed = (mutation: Parameters<typeof removeDue>[0]) =>
        removeDue(mutation, bucket, due);
      if (await mutator.run(idsMax, removed, signal, FREES)) {
        this.#removed.add(1, { what: due.what });
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (hasReason(error, ...NOT_TO_GO)) return;
      // One that cannot go must not hold up the others: the next lap comes by again.
      logger.warn("an object that has expired could not be removed", { path: path.text }, error);
    }
  }
}

/** The place of the next bucket that has rules, or behind the names that were looked at. */
async function nextBucket(reader: KvReader, after: string): Promise<LapPlace | undefined> {
  const rows = await entries.page(reader, {
    within: [ROOT_ID],
    ...(after === "" ? {} : { after: [ROOT_ID, after] }),
    limit: STEP_NAMES,
  });
  const directories = rows.flatMap(({ key, value }) => {
    const name = key[1].slice(0, -1);
    return value.kind === "directory" && isBucketName(name) ? [{ name, id: value.inodeId }] : [];
  });
  const lifecycles = await bucketLifecycles.getMany(
    reader,
    directories.map(({ id }) => id),
  );
  const bucket = directories.find((_, at) => lifecycles[at] !== undefined);
  if (bucket !== undefined) return versionsOf(bucket.name);
  const last = rows.at(-1);
  if (last === undefined || rows.length < STEP_NAMES) return undefined;
  return { kind: "between", after: last.key[1] };
}

async function readRules(
  reader: KvReader,
  name: string,
): Promise<{ readonly bucket: LifecycleBucket; readonly lifecycle: Lifecycle } | undefined> {
  const directory = await readTopDirectory(reader, name);
  if (directory === undefined) return undefined;
  const bytes = await bucketLifecycles.get(reader, directory.inodeId);
  if (bytes === undefined) return undefined;
  return { bucket: { name, id: directory.inodeId }, lifecycle: decodeLifecycle(bytes) };
}
