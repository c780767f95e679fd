import { humanSize } from "../../format.ts";
import { type LoadParts, shareOf, type Workload } from "../workload.ts";
import { Objects, putObject } from "./objects.ts";

/** Small objects, size by size: put, read in random order, stat, remove. */
export function smallWorkload(parts: LoadParts): Workload {
  const { target, settings } = parts;
  const { count, client } = settings;
  const isEachOnce = count !== undefined;
  const rounds = settings.sizesBytes.map((sizeBytes) => {
    const folder = `small-${sizeBytes}-${client}`;
    return { sizeBytes, folder, objects: new Objects(parts, folder, sizeBytes) };
  });
  return {
    open: async (signal) => {
      for (const { folder } of rounds) await target.ensureDirectory(folder, signal);
    },
    warmUp: async ({ at, signal }) => {
      for (const { folder, sizeBytes } of rounds) {
        const path = `${folder}/warm-up-${at}`;
        await putObject(parts, path, sizeBytes, signal);
        await target.get(path, signal);
        await target.stat(path, signal);
        await target.remove(path, signal);
      }
    },
    steps: rounds.flatMap(({ sizeBytes, objects }) => {
      const size = humanSize(sizeBytes);
      return [
        {
          name: `put ${size}`,
          isMeasured: true,
          per: "operations",
          parallel: settings.parallel,
          operations: () => (isEachOnce ? shareOf(count, settings) : undefined),
          operate: (call) => objects.put(call),
        },
        objects.getStep(`get ${size}`, "operations", isEachOnce),
        objects.statStep(`stat ${size}`, isEachOnce),
        objects.removeStep(`remove ${size}`),
      ];
    }),
  };
}
