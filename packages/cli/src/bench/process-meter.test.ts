import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { memoryOf, ProcessMeter } from "./process-meter.ts";

/** A process that burns CPU until it is told to hold memory, and then until its input ends. */
const BUSY = `
  const until = Date.now() + 120;
  while (Date.now() < until) for (let at = 0; at < 1e5; at++);
  const held = Buffer.alloc(48 * 1024 * 1024, 1);
  process.stdout.write("held");
  process.stdin.on("data", () => undefined).on("end", () => process.exit(held[0] - 1));
`;

test.runIf(process.platform === "linux")(
  "CPU and peak memory are those of the span, process by process",
  async () => {
    const child = spawn(process.execPath, ["-e", BUSY], { stdio: ["pipe", "pipe", "inherit"] });
    const { pid } = child;
    if (pid === undefined) throw new Error("the child has no id");
    const meter = new ProcessMeter([
      { name: "self", role: "client", pid: process.pid },
      { name: "busy", role: "other", pid },
    ]);
    await meter.start();
    await once(child.stdout, "data");
    const [self, busy] = await meter.stop();
    expect(self).toMatchObject({ name: "self", isGone: false });
    expect(busy).toMatchObject({ name: "busy", role: "other", pid, peakSince: "step" });
    expect((busy?.userSeconds ?? 0) + (busy?.systemSeconds ?? 0)).toBeGreaterThan(0.05);
    expect(busy?.peakMemoryBytes).toBeGreaterThan(48 * 1024 * 1024);
    expect((await memoryOf(pid))?.residentBytes).toBeGreaterThan(48 * 1024 * 1024);

    const idle = new ProcessMeter([{ name: "busy", role: "other", pid }]);
    await idle.start();
    const [usage] = await idle.stop();
    expect(usage?.userSeconds).toBeLessThan(0.05);

    await idle.start();
    child.stdin.end();
    await once(child, "close");
    expect((await idle.stop())[0]).toMatchObject({ isGone: true, userSeconds: 0 });
  },
);
