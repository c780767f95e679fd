import { readFile } from "node:fs/promises";
import { hasErrorCode } from "@cairnfs/base/disk";
import type { LocalProcess } from "../local-cluster/state-file.ts";

/** Linux counts CPU in hundredths of a second for user space, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** CPU seconds by role: this command, and the cluster's processes where they run on this machine. */
export type CpuSeconds = Readonly<Record<string, number>>;

/** What each role has used so far. Empty but for the command where the cluster is elsewhere. */
export async function cpuSeconds(processes: readonly LocalProcess[]): Promise<CpuSeconds> {
  const own = process.cpuUsage();
  const used: Record<string, number> = { client: (own.user + own.system) / 1e6 };
  for (const { pid, role } of processes) {
    used[role] = (used[role] ?? 0) + (await secondsOf(pid));
  }
  return used;
}

/** What was used between two readings. */
export function cpuBetween(before: CpuSeconds, after: CpuSeconds): CpuSeconds {
  return Object.fromEntries(
    Object.entries(after).map(([role, seconds]) => [role, seconds - (before[role] ?? 0)]),
  );
}

async function secondsOf(pid: number): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ESRCH")) return 0;
    throw error;
  }
}
