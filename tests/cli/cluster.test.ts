import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { eventually } from "@cairnfs/base/testing/eventually";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandFolder } from "./cairn-command.ts";

let folder: CommandFolder;

beforeAll(async () => {
  folder = await CommandFolder.make();
});
afterAll(async () => {
  await folder.run(["cluster", "down", "--wipe"]);
  await folder[Symbol.asyncDispose]();
});

interface Row {
  readonly name: string;
  readonly pid: number;
  readonly isRunning: boolean;
  readonly address: string;
  readonly httpAddress: string;
  readonly logFile: string;
}

async function status(): Promise<{ readonly code: number | null; readonly rows: readonly Row[] }> {
  const { code, out } = await folder.run(["cluster", "status", "--json"]);
  return { code, rows: JSON.parse(out).processes };
}

test("a cluster of processes comes up, is used, loses a node, is made whole and goes", async () => {
  expect(await folder.run(["cluster", "status"])).toMatchObject({ code: 11 });

  const up = await folder.ok("cluster", "up", "--port", "0", "--datanodes", "3");
  expect(up).toContain("the cluster is healthy");
  expect(up).toMatch(
    /S3 on http:.*export AWS_ACCESS_KEY_ID=\w+\n +export AWS_SECRET_ACCESS_KEY=\w+\n/su,
  );
  const first = await status();
  expect(first.code).toBe(0);
  expect(first.rows.map(({ name }) => name)).toEqual([
    "coordinator",
    "datanode-1",
    "datanode-2",
    "datanode-3",
    "gateway",
  ]);

  await writeFile(folder.file("a.txt"), "a".repeat(2_000_000));
  await folder.ok("put", "a.txt", "/a.txt");

  // Each is a process of its own, with metrics, health and a log in JSON.
  for (const row of first.rows) {
    expect((await fetch(`http://${row.httpAddress}/healthz`)).status).toBe(200);
    expect(await folder.ok("ready", row.httpAddress)).toMatch(/^ready\n/u);
    const metrics = await (await fetch(`http://${row.httpAddress}/metrics`)).text();
    expect(metrics).toContain(
      row.name === "gateway" ? 'role="gateway"' : "cairn_rpc_server_calls_total",
    );
    expect(metrics).toContain("process_cpu_seconds_total");
    const [line = ""] = (await readFile(row.logFile, "utf8")).split("\n");
    expect(JSON.parse(line)).toHaveProperty("level");
  }

  // A node that was killed is known as gone, and started again by its folder; the others are left alone.
  const killed = first.rows.find(({ name }) => name === "datanode-2");
  process.kill(killed?.pid ?? 0, "SIGKILL");
  await eventually(async () => expect((await status()).code).toBe(11));
  await folder.ok("cluster", "up");
  const second = await status();
  expect(second.code).toBe(0);
  for (const row of second.rows) {
    const before = first.rows.find(({ name }) => name === row.name);
    expect(row.pid === before?.pid, row.name).toBe(row.name !== "datanode-2");
  }
  expect((await folder.ok("cat", "/a.txt")).length).toBe(2_000_000);

  // Down and up again: the same addresses, the same files.
  await folder.ok("cluster", "down");
  expect((await status()).rows.every(({ isRunning }) => !isRunning)).toBe(true);
  await folder.ok("cluster", "up");
  expect((await status()).rows[0]?.address).toBe(first.rows[0]?.address);
  expect((await folder.ok("cat", "/a.txt")).length).toBe(2_000_000);

  await folder.ok("cluster", "down", "--wipe");
  expect(existsSync(folder.file(".cairn"))).toBe(false);
});

test("a server that cannot start is told with the end of its log, and nothing is left running", async () => {
  await using other = await CommandFolder.make();
  await writeFile(other.file(".cairn"), "in the way");
  expect(await other.run(["cluster", "up", "--port", "0"])).toMatchObject({ code: 4 });
});
