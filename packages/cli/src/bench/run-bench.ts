import { hasReason } from "@cairnfs/base/errors";
import { toHex } from "@cairnfs/base/hex";
import { Limit } from "@cairnfs/base/limit";
import { SystemRandom } from "@cairnfs/base/random";
import type { Session } from "../cluster-command.ts";
import type { LocalProcess } from "../local-cluster/state-file.ts";
import { type CpuSeconds, cpuBetween, cpuSeconds } from "./cpu-meter.ts";

export interface BenchPlan {
  readonly sizeBytes: number;
  readonly files: number;
  readonly parallel: number;
  readonly smallFiles: number;
  readonly smallParallel: number;
  readonly replicas: number | undefined;
  /** Whose CPU is measured. */
  readonly processes: readonly LocalProcess[];
}

/** What one step came to. */
export interface BenchResult {
  readonly step: string;
  readonly operations: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly operationsPerSecond: number;
  /** 1 MB is 1,000,000 bytes; of files, however many copies are made of them. */
  readonly megabytesPerSecond: number | undefined;
  readonly cpuSeconds: CpuSeconds;
  /** CPU seconds for each 1,000,000,000 bytes, by role. */
  readonly cpuSecondsPerGigabyte: CpuSeconds | undefined;
}

const PACKED_BYTES = 64 * 1024;
const INLINE_BYTES = 2 * 1024;

/** Runs the steps in a directory of their own, which is removed in the end, and tells each result as it comes. */
export async function runBench(
  session: Session,
  plan: BenchPlan,
  tell: (result: BenchResult) => Promise<void>,
): Promise<void> {
  const random = new SystemRandom();
  const top = `/.cairn-bench-${toHex(random.bytes(4))}`;
  const bench = new Bench(session, plan, { top, random, tell });
  try {
    await session.client.mkdir(top, {
      signal: session.signal,
      policy: { replicationFactor: plan.replicas },
    });
    await bench.large();
    await bench.small("inline", INLINE_BYTES);
    await bench.small("packed", PACKED_BYTES);
    await bench.metadata();
  } finally {
    // Also after Ctrl-C: nothing is left but garbage that the cluster collects.
    await session.client.remove(top, { recursive: true }).catch((error: unknown) => {
      if (!hasReason(error, "pathNotFound")) throw error;
    });
  }
}

interface BenchParts {
  readonly top: string;
  readonly random: SystemRandom;
  tell(result: BenchResult): Promise<void>;
}

class Bench {
  readonly #session: Session;
  readonly #plan: BenchPlan;
  readonly #parts: BenchParts;

  constructor(session: Session, plan: BenchPlan, parts: BenchParts) {
    this.#session = session;
    this.#plan = plan;
    this.#parts = parts;
  }

  async large(): Promise<void> {
    const { client, signal } = this.#session;
    const { files, sizeBytes, parallel } = this.#plan;
    const { top, random } = this.#parts;
    // A buffer for each of those under way; stamped anew for each file, so that no chunk is in the cluster already.
    const buffers = Array.from({ length: parallel }, () => random.bytes(sizeBytes));
    await this.#step("put", { operations: files, parallel, bytesEach: sizeBytes }, async (at) => {
      const bytes = buffers.pop() ?? random.bytes(sizeBytes);
      stamp(bytes, at);
      await client.put(`${top}/large-${at}`, bytes, { signal });
      buffers.push(bytes);
    });
    await this.#step("get", { operations: files, parallel, bytesEach: sizeBytes }, async (at) => {
      for await (const _ of await client.get(`${top}/large-${at}`, { signal }))
        signal.throwIfAborted();
    });
  }

  async small(kind: string, bytesEach: number): Promise<void> {
    const { client, signal } = this.#session;
    const { smallFiles: operations, smallParallel: parallel } = this.#plan;
    const { top, random } = this.#parts;
    const plan = { operations, parallel, bytesEach };
    await client.mkdir(`${top}/${kind}`, { signal });
    await this.#step(`put ${bytesEach / 1024} KiB`, plan, async (at) => {
      await client.put(`${top}/${kind}/${at}`, random.bytes(bytesEach), { signal });
    });
    await this.#step(`get ${bytesEach / 1024} KiB`, plan, async (at) => {
      await client.getBytes(`${top}/${kind}/${at}`, { signal });
    });
  }

  async metadata(): Promise<void> {
    const { client, signal } = this.#session;
    const { smallFiles: operations, smallParallel: parallel } = this.#plan;
    const { top } = this.#parts;
    const plan = { operations, parallel, bytesEach: 0 };
    const path = (at: number) => `${top}/inline/${at}`;
    await this.#step("stat", plan, async (at) => void (await client.stat(path(at), { signal })));
    await this.#step(
      "mkdir",
      plan,
      async (at) => void (await client.mkdir(`${top}/made-${at}`, { signal })),
    );
    await this.#step("rename", plan, async (at) => {
      await client.rename(path(at), `${path(at)}-renamed`, { signal });
    });
    await this.#step("list", { ...plan, parallel: 1, isOneCall: true }, async () => {
      for await (const _ of client.list(`${top}/inline`, { signal })) signal.throwIfAborted();
    });
    await this.#step("remove", plan, (at) => client.remove(`${path(at)}-renamed`, { signal }));
  }

  async #step(
    step: string,
    plan: {
      readonly operations: number;
      readonly parallel: number;
      readonly bytesEach: number;
      /** All operations are one call of `operate`. */
      readonly isOneCall?: boolean;
    },
    operate: (at: number) => Promise<void>,
  ): Promise<void> {
    const { clock } = this.#session.context;
    const cpuBefore = await cpuSeconds(this.#plan.processes);
    const startedMs = clock.monotonicMs();
    const limit = new Limit(plan.parallel);
    const calls = Array.from(
      { length: plan.isOneCall === true ? 1 : plan.operations },
      (_, at) => at,
    );
    await Promise.all(calls.map((at) => limit.run(() => operate(at), this.#session.signal)));
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    const used = cpuBetween(cpuBefore, await cpuSeconds(this.#plan.processes));
    const bytes = plan.operations * plan.bytesEach;
    const hasBytes = bytes > 0;
    await this.#parts.tell({
      step,
      operations: plan.operations,
      bytes,
      seconds,
      operationsPerSecond: plan.operations / seconds,
      megabytesPerSecond: hasBytes ? bytes / 1e6 / seconds : undefined,
      cpuSeconds: used,
      cpuSecondsPerGigabyte: hasBytes
        ? Object.fromEntries(Object.entries(used).map(([role, cpu]) => [role, cpu / (bytes / 1e9)]))
        : undefined,
    });
  }
}

const STAMP_EVERY_BYTES = 64 * 1024;

/** Makes every block of the buffer one that was never sent before. */
function stamp(bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 8 <= bytes.byteLength; offset += STAMP_EVERY_BYTES) {
    view.setUint32(offset, at);
    view.setUint32(offset + 4, offset);
  }
}
