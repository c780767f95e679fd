import type { Step, StepCall } from "../step.ts";
import type { Work } from "../tally.ts";
import { type LoadParts, shareOf, shuffled, type Workload } from "../workload.ts";
import { putObject } from "./objects.ts";

const FOLDER = "list";
const DEFAULT_ENTRIES = 10_000;
const FILES_PARALLEL = 64;
/** How often when the run says no duration. */
const LISTS = 5;
const PAGES = 200;
/** Files that are made, asked for and removed in the full directory. */
const MORE_FILES_MAX = 2_000;
const NAME_DIGITS = 9;

/**
 * One directory with many entries: made, listed whole, and page by page at its start, middle and end; then more files are made in it,
 * asked for and removed. At several counts that says what grows with a directory.
 */
export function listWorkload(parts: LoadParts): Workload {
  const { target, settings, random } = parts;
  const entries = settings.count ?? DEFAULT_ENTRIES;
  const own = shareOf(entries, settings);
  const page = Math.min(settings.pageEntries, Math.max(1, Math.floor(entries / 3)));
  const isTimed = settings.durationMs > 0;
  const moreFiles = Math.min(entries, MORE_FILES_MAX);
  const middle = Math.floor(entries / 2);
  const order = shuffled(entries, random);
  const more = (at: number) => `${FOLDER}/more-${settings.client}-${at}`;
  const list = async ({ signal }: StepCall) => ({ entries: await target.list(FOLDER, signal) });
  return {
    open: (signal) => target.ensureDirectory(FOLDER, signal),
    warmUp: async ({ at, signal }) => {
      const path = `${FOLDER}/warm-up-${settings.client}-${at}`;
      await create(path, signal);
      await target.stat(path, signal);
      await target.listPage(FOLDER, { after: undefined, entries: page }, signal);
      await target.remove(path, signal);
    },
    steps: [
      filesStep("create", own, ({ at, signal }) => create(pathAt(ownAt(at)), signal)),
      { ...listStep("first list", list), isMeasured: false, operations: () => 1 },
      listStep("list all", list),
      pageStep("page at the start", undefined),
      pageStep("page in the middle", nameAt(middle - 1)),
      pageStep("page at the end", nameAt(entries - page - 1)),
      filesStep("create more", moreFiles, ({ at, signal }) => create(more(at), signal)),
      filesStep("stat", moreFiles, ({ at, signal }) => target.stat(pathAt(order(at)), signal)),
      filesStep("remove", moreFiles, ({ at, signal }) => target.remove(more(at), signal)),
    ],
  };

  function create(path: string, signal: AbortSignal): Promise<void> {
    return putObject(parts, path, settings.sizesBytes[0] ?? 0, signal);
  }

  function ownAt(at: number): number {
    return at * settings.clients + settings.client;
  }

  function filesStep(
    name: string,
    operations: number,
    operate: (call: StepCall) => Promise<void>,
  ): Step {
    return {
      name,
      isMeasured: true,
      per: "operations",
      parallel: FILES_PARALLEL,
      operations: () => operations,
      operate: async (call) => {
        await operate(call);
        return {};
      },
    };
  }

  function listStep(name: string, operate: (call: StepCall) => Promise<Work>): Step {
    return {
      name,
      isMeasured: true,
      per: "names",
      parallel: settings.parallel,
      operations: () => (isTimed ? undefined : Math.max(LISTS, settings.parallel)),
      operate,
    };
  }

  function pageStep(name: string, after: string | undefined): Step {
    return {
      ...listStep(name, async ({ signal }) => {
        const found = await target.listPage(FOLDER, { after, entries: page }, signal);
        return { entries: found.entries };
      }),
      operations: () => (isTimed ? undefined : PAGES),
    };
  }
}

function pathAt(at: number): string {
  return `${FOLDER}/${nameAt(at)}`;
}

/** Names sort as their numbers do. */
function nameAt(at: number): string {
  return `f${String(at).padStart(NAME_DIGITS, "0")}`;
}
