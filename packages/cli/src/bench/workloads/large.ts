import { humanSize } from "../../format.ts";
import type { Step } from "../step.ts";
import { type LoadParts, shareOf, type Workload } from "../workload.ts";
import { Objects, putObject } from "./objects.ts";

/** What is read when the run is for a time and says no count. */
const POOL_OBJECTS = 8;

/** Large objects: all are put, or all are read, or both. */
export function largeWorkload(parts: LoadParts): Workload {
  const { target, settings } = parts;
  const { client, workload } = settings;
  const rounds = settings.sizesBytes.map((sizeBytes) => {
    const folder = `large-${sizeBytes}-${client}`;
    return { sizeBytes, folder, objects: new Objects(parts, folder, sizeBytes) };
  });
  const [first] = rounds;
  return {
    open: async (signal) => {
      for (const { folder } of rounds) await target.ensureDirectory(folder, signal);
    },
    warmUp: async ({ at, signal }) => {
      if (first === undefined) return;
      const path = `${first.folder}/warm-up-${at}`;
      await putObject(parts, path, first.sizeBytes, signal);
      if (workload !== "put") await target.get(path, signal);
      await target.remove(path, signal);
    },
    steps: rounds.flatMap(({ sizeBytes, objects }) => {
      const size = humanSize(sizeBytes);
      const put = putStep(parts, objects, { name: `put ${size}`, sizeBytes });
      const get = objects.getStep(`get ${size}`, "GB", settings.count !== undefined);
      if (workload === "put") return [put];
      if (workload === "get") return [{ ...put, isMeasured: false, operations: pool }, get];
      return [put, get];
    }),
  };

  function pool(): number {
    return shareOf(settings.count ?? POOL_OBJECTS * settings.clients, settings);
  }
}

function putStep(
  { settings }: LoadParts,
  objects: Objects,
  named: { readonly name: string; readonly sizeBytes: number },
): Step {
  const { count } = settings;
  return {
    ...named,
    isMeasured: true,
    per: "GB",
    parallel: settings.parallel,
    operations: () => (count === undefined ? undefined : shareOf(count, settings)),
    operate: (call) => objects.put(call),
  };
}
