import type { Action, ActionKind, PlannedOperation } from "./history/operation.ts";
import { type FaultAction, METHODS, type PlannedFault } from "./nemesis/fault.ts";
import { MIXED, PROFILES, type Profile } from "./nemesis/profiles.ts";
import type { Plan } from "./plan.ts";
import type { ClockError } from "./process/sim-process.ts";
import { Chance } from "./schedule/chance.ts";
import type { Value } from "./world/contents.ts";
import { CHUNK_BYTES_MIN, type Shape } from "./world/shape.ts";

/** Names that buckets may have: what is in them can be uploaded as an object. */
export const FOLDERS = ["/dir", "/ext"] as const;
const [DIR, EXT] = FOLDERS;
const FILES = ["/a", `${DIR}/a`, "/b", `${DIR}/b`, `${EXT}/a`];
const ACTIONS: Readonly<Record<ActionKind, number>> = {
  put: 14,
  get: 8,
  range: 3,
  stat: 2,
  list: 2,
  mkdir: 3,
  rename: 3,
  copy: 3,
  remove: 3,
  removeTree: 1,
  restore: 0,
  emptyTrash: 0,
};
/** So much of an upload's life its source may take for one part. */
const STALL_SHARE = 0.45;
/** So much of the grace of a content a reader may wait before it reads. */
const LINGER_SHARE = 0.7;
/** Longer than clients take for their work. */
const TRASH_MS = 3_600_000;
/** More than a client keeps in memory before it begins to upload. */
const LARGE_BYTES = 1_800_000;
/** Too small for the stores to keep spare room, which is dear to make. */
const DISK_BYTES = 12 * 1024 * 1024;
const LARGE_DISK_BYTES = 64 * 1024 * 1024;
const SMALL_DISK_BYTES = 900 * 1024;

interface ActionChoices {
  readonly shape: Shape;
  readonly values: readonly Value[];
  readonly files: readonly string[];
  readonly isReusing: boolean;
}

interface FaultChoices {
  readonly shape: Shape;
  readonly profile: Profile;
  readonly workMs: number;
}

/** The plan of a seed. */
export function generatePlan(seed: number, profileName?: string): Plan {
  const random = new Chance(seed);
  const mixed = random.weighted(MIXED);
  const profile = profileName ?? mixed;
  const found = PROFILES[profile];
  if (found === undefined) {
    throw new RangeError(`${profile} is no profile: there are ${Object.keys(PROFILES).join(", ")}`);
  }
  const shape = shapeOf(random.branch("shape"), found);
  // With few values clients put the same bytes again and again.
  const isReusing = found.isReusing ?? false;
  const values = valuesOf(random.branch("values"), isReusing);
  const operations = operationsOf(random.branch("operations"), { shape, values, isReusing });
  const choices = { shape, profile: found, workMs: spanMs(operations) };
  const faults = faultsOf(random.branch("faults"), choices);
  return { seed, profile, shape, values, operations, faults };
}

function shapeOf(random: Chance, profile: Profile): Shape {
  const nodes = 3 + random.below(3);
  const clients = 1 + random.below(3);
  const clocks: Record<string, ClockError> = {};
  const hosts = ["coordinator"];
  for (let number = 1; number <= nodes; number++) hosts.push(`node${number}`);
  for (let number = 1; number <= clients; number++) hosts.push(`client${number}`);
  for (const host of profile.hasClockDrift ? hosts : []) {
    clocks[host] = { rate: random.between(0.95, 1.05), offsetMs: random.between(-5_000, 5_000) };
  }
  return {
    nodes,
    clients,
    replicationFactor: random.is(0.85) ? 3 : 2,
    zones: random.is(0.3) ? 3 : 1,
    store: random.is(0.7) ? "segment" : "file",
    syncMs: random.pick([0.2, 1, 4]),
    waitShare: random.pick([0, 0.1, 0.5]),
    commitMs: random.pick([0.2, 1, 5]),
    diskBytes: random.is(profile.smallDiskShare)
      ? SMALL_DISK_BYTES
      : random.pick([DISK_BYTES, DISK_BYTES, DISK_BYTES, LARGE_DISK_BYTES]),
    sessionTtlMs: random.pick([8_000, 20_000]),
    chunkBytes:
      random.weighted({ one: 6, three: 2, large: 1 }) === "one"
        ? CHUNK_BYTES_MIN
        : 3 * CHUNK_BYTES_MIN,
    segmentBytes: random.pick([200_000, 1_000_000]),
    trashMs: random.is(0.4) ? TRASH_MS : 0,
    repairDelayMs: random.pick([0, 5_000, 40_000]),
    contentGraceMs: random.pick([500, 500, 8_000]),
    chunkGraceMs: random.pick([50, 500, 6_000]),
    receiptLifeMs: random.pick([5_000, 30_000]),
    clocks,
    ...(profile.isReusing === true && { trashMs: 0, contentGraceMs: 500, chunkGraceMs: 50 }),
  };
}

/** Every length is used once, so that it names the value. */
function valuesOf(random: Chance, isReusing: boolean): Value[] {
  const count = isReusing ? 3 : random.pick([3, 6, 12]);
  return Array.from({ length: count }, (_, id) => {
    if (id === 0) return { id, sizeBytes: 0 };
    const kind = isReusing
      ? "packed"
      : random.weighted({ inline: 30, packed: 50, chunks: 40, large: 2 });
    if (kind === "inline") return { id, sizeBytes: 16 * random.below(200) + id };
    if (kind === "packed") return { id, sizeBytes: 5_008 + 16 * random.below(3_000) + id };
    const leastBytes = kind === "large" ? LARGE_BYTES : CHUNK_BYTES_MIN;
    return { id, sizeBytes: leastBytes + 16 * random.below(7_000) + id };
  });
}

function operationsOf(
  random: Chance,
  { shape, values, isReusing }: Omit<ActionChoices, "files">,
): PlannedOperation[] {
  const count = 12 + random.below(28) + (isReusing ? 10 : 0);
  const meanPauseMs = isReusing ? random.pick([300, 900]) : random.pick([5, 100, 600, 2_000]);
  // With few paths clients meet more often.
  const files = random.is(0.5) && !isReusing ? FILES : FILES.slice(0, 2 + random.below(2));
  return Array.from({ length: count }, (_, id) => ({
    id,
    client: `client${1 + random.below(shape.clients)}`,
    pauseMs: random.aboutMs(meanPauseMs),
    // A few directories first, or most paths lead nowhere.
    action:
      id < 2
        ? { kind: "mkdir", path: FOLDERS[id] ?? DIR }
        : actionOf(random, { shape, values, files, isReusing }),
  }));
}

function actionOf(random: Chance, { shape, values, files, isReusing }: ActionChoices): Action {
  const withTrash = { ...ACTIONS, remove: 5, restore: 5, emptyTrash: 1 };
  const usual = shape.trashMs > 0 ? withTrash : ACTIONS;
  const kind = random.weighted(isReusing ? { ...ACTIONS, remove: 10, mkdir: 1, list: 0 } : usual);
  const path = random.pick(files);
  switch (kind) {
    case "put": {
      const value = random.below(values.length);
      // What takes long to come is most of all what is long.
      const isStalling = random.is((values[value]?.sizeBytes ?? 0) >= LARGE_BYTES ? 0.5 : 0.08);
      const stallMs = isStalling ? random.below(shape.sessionTtlMs * STALL_SHARE) : 0;
      return { kind, path, value, stallMs };
    }
    case "get":
      return {
        kind,
        path,
        lingerMs: random.is(0.25) ? random.below(shape.contentGraceMs * LINGER_SHARE) : 0,
      };
    case "range":
      return { kind, path, from: random.next(), share: random.next() };
    case "list":
      return { kind, path: random.pick(["/", ...FOLDERS]) };
    case "emptyTrash":
      return { kind, path: "/" };
    case "restore":
      return { kind, path: random.pick([...files, ...FOLDERS]) };
    case "mkdir":
    case "removeTree":
      return { kind, path: random.pick(FOLDERS) };
    case "rename":
    case "copy": {
      if (kind === "rename" && random.is(0.15)) {
        return random.is(0.5) ? { kind, path: DIR, to: EXT } : { kind, path: EXT, to: DIR };
      }
      return { kind, path, to: random.pick(files.filter((other) => other !== path)) };
    }
    default:
      return { kind, path };
  }
}

/** How long clients take for their operations, when nothing takes any time. */
function spanMs(operations: readonly PlannedOperation[]): number {
  const spans = new Map<string, number>();
  for (const { client, pauseMs } of operations) {
    spans.set(client, (spans.get(client) ?? 0) + pauseMs);
  }
  return Math.max(...spans.values());
}

function faultsOf(random: Chance, { shape, profile, workMs }: FaultChoices): PlannedFault[] {
  if (profile.faultsMax === 0) return [];
  const count = 1 + random.below(profile.faultsMax);
  // Most while clients work, some when the work in the background goes on.
  const overMs = random.pick([workMs + 200, workMs + 200, 2 * workMs + 10_000]);
  const maker = new FaultMaker(random, shape, profile.methods ?? METHODS);
  return Array.from({ length: count }, () => ({
    atMs: random.between(0, overMs),
    action: maker.make(random.weighted(profile.weights as Record<FaultAction["kind"], number>)),
  }))
    .sort((one, other) => one.atMs - other.atMs)
    .map((fault, id) => ({ id, ...fault }));
}

/** Chooses faults that a cluster survives without losing anything. */
class FaultMaker {
  readonly #random: Chance;
  readonly #methods: Readonly<Record<string, number>>;
  readonly #nodes: string[];
  readonly #clients: string[];
  /** The one node whose disk may lose what it had acknowledged: two copies are acknowledged at least. */
  readonly #frail: string;

  constructor(random: Chance, shape: Shape, methods: Readonly<Record<string, number>>) {
    this.#random = random;
    this.#methods = methods;
    this.#nodes = Array.from({ length: shape.nodes }, (_, at) => `node${at + 1}`);
    this.#clients = Array.from({ length: shape.clients }, (_, at) => `client${at + 1}`);
    this.#frail = random.pick(this.#nodes);
  }

  make(kind: FaultAction["kind"]): FaultAction {
    const random = this.#random;
    const node = random.pick(this.#nodes);
    const server = random.is(0.35) ? "coordinator" : node;
    const shortMs = random.aboutMs(random.pick([300, 3_000, 12_000]));
    switch (kind) {
      case "kill":
        return { kind, host: server, isPowerLost: random.is(0.6), downMs: shortMs };
      case "stop":
        return { kind, host: server, downMs: shortMs };
      case "freeze":
        return { kind, host: random.pick([server, ...this.#clients]), forMs: shortMs };
      case "killClient":
        return { kind, host: random.pick(this.#clients) };
      case "block":
        return { kind, ...this.#pair(), isBothWays: random.is(0.5), forMs: shortMs };
      case "isolate":
        return { kind, host: random.pick([server, ...this.#clients]), forMs: shortMs };
      case "slowLink":
        return { kind, ...this.#pair(), extraMs: random.pick([5, 100, 1_500]), forMs: shortMs };
      case "drop":
        return { kind, ...this.#pair() };
      case "stallDisk":
        return { kind, host: node, forMs: shortMs };
      case "failDisk":
        return {
          kind,
          host: node,
          code: random.is(0.8) ? "EIO" : "ENOSPC",
          isWriteOnly: random.is(0.6),
          forMs: shortMs,
        };
      case "fillDisk":
        return { kind, host: node, forMs: shortMs };
      case "rot":
        return {
          kind,
          host: this.#frail,
          count: 1 + random.below(6),
          chance: random.below(2 ** 31),
        };
      case "loseDisk":
        return { kind, host: this.#frail, downMs: shortMs };
      case "jumpClock":
        return {
          kind,
          host: random.pick([server, ...this.#clients]),
          byMs: random.between(-1, 1) * random.pick([500, 20_000, 3_600_000]),
        };
      case "holdRequest":
        return {
          kind,
          method: random.weighted(this.#methods),
          forMs: random.aboutMs(random.pick([2_000, 12_000])),
        };
      case "killAtRequest":
        return {
          kind,
          method: random.weighted(this.#methods),
          isAnswered: random.is(0.6),
          isPowerLost: random.is(0.6),
          downMs: shortMs,
        };
      case "drain":
        return { kind, host: node, forMs: random.aboutMs(20_000) };
      case "leave":
        return { kind, host: node };
      case "join":
        return { kind };
      case "slowCommits":
        return { kind, commitMs: random.pick([50, 800, 3_000]), forMs: shortMs };
    }
  }

  /** Two hosts that have to do with each other. */
  #pair(): { readonly from: string; readonly to: string } {
    const random = this.#random;
    const from = random.pick(["coordinator", ...this.#nodes, ...this.#clients]);
    const others = ["coordinator", ...this.#nodes].filter((host) => host !== from);
    return { from, to: random.pick(others) };
  }
}
