import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { type DiskPace, ProcessDisk } from "../process/process-disk.ts";
import { type ClockError, SimProcess } from "../process/sim-process.ts";
import type { Chance } from "../schedule/chance.ts";
import type { SimScheduler } from "../schedule/scheduler.ts";

/** A host: its disk and its clock live longer than the processes on it. */
export class Machine {
  readonly host: string;
  readonly clockError: ClockError;
  readonly pace: DiskPace;
  readonly #scheduler: SimScheduler;
  readonly #random: Chance;
  readonly #capacityBytes: number;
  disk: FaultDisk;
  process: SimProcess | undefined;

  constructor(parts: {
    readonly host: string;
    readonly scheduler: SimScheduler;
    readonly random: Chance;
    readonly clockError: ClockError;
    readonly pace: DiskPace;
    readonly diskBytes: number;
  }) {
    this.host = parts.host;
    this.clockError = { ...parts.clockError };
    this.pace = { ...parts.pace };
    this.#scheduler = parts.scheduler;
    this.#random = parts.random;
    this.#capacityBytes = parts.diskBytes;
    this.disk = this.#newDisk();
  }

  get isRunning(): boolean {
    return this.process?.isAlive === true;
  }

  /** A new life of this host's process, and its disk as that life has it. */
  boot(): { readonly process: SimProcess; readonly disk: ProcessDisk } {
    const process = new SimProcess({
      host: this.host,
      scheduler: this.#scheduler,
      random: this.#random.branch("process"),
      clockError: this.clockError,
    });
    this.process = process;
    return { process, disk: new ProcessDisk(this.disk, process, this.pace) };
  }

  /** The power goes: what was not synced may be lost or torn. */
  losePower(): void {
    this.disk = this.disk.crash();
  }

  /** The disk is replaced by an empty one. */
  loseDisk(): void {
    this.disk = this.#newDisk();
  }

  /** The disk has this much room from now on; as much as at first unless given. */
  limitDisk(capacityBytes: number = this.#capacityBytes): void {
    this.disk.limit(capacityBytes);
  }

  #newDisk(): FaultDisk {
    const disk = new FaultDisk(this.#random.branch("disk"), this.#capacityBytes);
    disk.hasDirectFiles = false;
    return disk;
  }
}
