import type { LoadParts, Workload, WorkloadName } from "./workload.ts";
import { largeWorkload } from "./workloads/large.ts";
import { listWorkload } from "./workloads/list.ts";
import { metaWorkload } from "./workloads/meta.ts";
import { mixedWorkload } from "./workloads/mixed.ts";
import { smallWorkload } from "./workloads/small.ts";
import { soakWorkload } from "./workloads/soak.ts";

const MAKERS: Readonly<Record<WorkloadName, (parts: LoadParts) => Workload>> = {
  put: largeWorkload,
  get: largeWorkload,
  large: largeWorkload,
  small: smallWorkload,
  meta: metaWorkload,
  list: listWorkload,
  mixed: mixedWorkload,
  soak: soakWorkload,
};

/** The workload that the settings name. */
export function makeWorkload(parts: LoadParts): Workload {
  return MAKERS[parts.settings.workload](parts);
}
