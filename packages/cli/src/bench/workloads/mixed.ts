import { randomBelow } from "@cairnfs/base/random";
import { humanSize } from "../../format.ts";
import { KindFailure, type StepCall } from "../step.ts";
import type { Work } from "../tally.ts";
import { type LoadParts, shareOf, type Workload } from "../workload.ts";
import { ObjectPool } from "./object-pool.ts";
import { Objects, putObject } from "./objects.ts";

/** warp's profile; what is left is DELETE. */
const GET_SHARE = 0.45;
const STAT_SHARE = 0.3;
const PUT_SHARE = 0.15;
const POOL_OBJECTS = 256;
/** The pool grows, since more is put than removed: up to this many times its first size. */
const POOL_GROWTH = 8;

/** warp's mixed load over a pool of objects that is made first: 45 % GET, 30 % STAT, 15 % PUT, 10 % DELETE. */
export function mixedWorkload(parts: LoadParts): Workload {
  const { target, settings, random } = parts;
  const sizeBytes = settings.sizesBytes[0] ?? 0;
  const folder = `mixed-${settings.client}`;
  const objects = new Objects(parts, folder, sizeBytes);
  const first = shareOf(POOL_OBJECTS * Math.max(1, settings.clients), settings);
  const pool = new ObjectPool(random, { least: settings.parallel, most: first * POOL_GROWTH });

  const get = (call: StepCall) =>
    pool.reading(async (id) => ({ kind: "GET", ...(await objects.get(id, call)) }));
  const stat = ({ signal }: StepCall) =>
    pool.reading(async (id) => {
      await target.stat(objects.path(id), signal);
      return { kind: "STAT" };
    });
  const put = (call: StepCall) =>
    pool.adding(async (id) => ({ kind: "PUT", ...(await objects.put({ ...call, at: id })) }));
  const remove = (call: StepCall) =>
    pool.removing(async (id) => {
      await target.remove(objects.path(id), call.signal);
      return { kind: "DELETE" };
    });

  return {
    open: (signal) => target.ensureDirectory(folder, signal),
    warmUp: async ({ at, signal }) => {
      const path = `${folder}/warm-up-${at}`;
      await putObject(parts, path, sizeBytes, signal);
      await target.stat(path, signal);
      await target.get(path, signal);
      await target.remove(path, signal);
    },
    steps: [
      {
        name: "prepare",
        isMeasured: false,
        per: "operations",
        parallel: settings.parallel,
        operations: () => first,
        operate: put,
      },
      {
        name: `mixed ${humanSize(sizeBytes)}`,
        isMeasured: true,
        per: "operations",
        parallel: settings.parallel,
        operations: () =>
          settings.count === undefined ? undefined : shareOf(settings.count, settings),
        operate: operate,
      },
    ],
  };

  async function operate(call: StepCall): Promise<Work> {
    const kind = choose();
    try {
      const done = await { GET: get, STAT: stat, PUT: put, DELETE: remove }[kind](call);
      // With nothing left that may be removed or read, something is put.
      return done ?? (await put(call));
    } catch (error) {
      throw new KindFailure(kind, error);
    }
  }

  function choose(): "GET" | "STAT" | "PUT" | "DELETE" {
    const chance = randomBelow(random, 1_000_000) / 1_000_000;
    if (chance < GET_SHARE) return "GET";
    if (chance < GET_SHARE + STAT_SHARE) return "STAT";
    return chance < GET_SHARE + STAT_SHARE + PUT_SHARE ? "PUT" : "DELETE";
  }
}
