import type { Step } from "../step.ts";
import { type LoadParts, shareOf, type Workload } from "../workload.ts";
import { putObject } from "./objects.ts";

const FOLDER = "list";
const DEFAULT_ENTRIES = 10_000;
const CREATE_PARALLEL = 64;
/** How often when the run says no duration. */
const LISTS = 5;
const PAGES = 200;
const NAME_DIGITS = 9;

/** One directory with many entries: made, listed whole, and page by page at its start, middle and end. */
export function listWorkload(parts: LoadParts): Workload {
  const { target, settings } = parts;
  const entries = settings.count ?? DEFAULT_ENTRIES;
  const own = shareOf(entries, settings);
  const page = Math.min(settings.pageEntries, Math.max(1, Math.floor(entries / 3)));
  const isTimed = settings.durationMs > 0;
  const middle = Math.floor(entries / 2);
  return {
    open: (signal) => target.ensureDirectory(FOLDER, signal),
    warmUp: async ({ at, signal }) => {
      const path = `${FOLDER}/warm-up-${settings.client}-${at}`;
      await putObject(parts, path, settings.sizesBytes[0] ?? 0, signal);
      await target.listPage(FOLDER, { after: undefined, entries: page }, signal);
      await target.remove(path, signal);
    },
    steps: [
      {
        name: "create",
        isMeasured: true,
        per: "operations",
        parallel: CREATE_PARALLEL,
        operations: () => own,
        operate: async ({ at, signal }) => {
          const path = `${FOLDER}/${nameAt(at * settings.clients + settings.client)}`;
          await putObject(parts, path, settings.sizesBytes[0] ?? 0, signal);
          return {};
        },
      },
      {
        name: "list all",
        isMeasured: true,
        per: "names",
        parallel: settings.parallel,
        operations: () => (isTimed ? undefined : Math.max(LISTS, settings.parallel)),
        operate: async ({ signal }) => ({ entries: await target.list(FOLDER, signal) }),
      },
      pageStep("page at the start", undefined),
      pageStep("page in the middle", nameAt(middle - 1)),
      pageStep("page at the end", nameAt(entries - page - 1)),
    ],
  };

  function pageStep(name: string, after: string | undefined): Step {
    return {
      name,
      isMeasured: true,
      per: "names",
      parallel: settings.parallel,
      operations: () => (isTimed ? undefined : PAGES),
      operate: async ({ signal }) => {
        return {
          entries: (await target.listPage(FOLDER, { after, entries: page }, signal)).entries,
        };
      },
    };
  }
}

/** Names sort as their numbers do. */
function nameAt(at: number): string {
  return `f${String(at).padStart(NAME_DIGITS, "0")}`;
}
