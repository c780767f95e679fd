import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandFolder, type Running } from "./cairn-command.ts";

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
  readonly address: string;
  readonly isRunning: boolean;
  readonly isRemoved?: boolean;
}

async function datanodes(): Promise<readonly Row[]> {
  const { processes } = JSON.parse((await folder.run(["cluster", "status", "--json"])).out);
  return processes.filter(({ role }: { role: string }) => role === "datanode");
}

test("a datanode that was removed from the cluster is ended by up, and another takes its place when it is asked for", async () => {
  await folder.ok("cluster", "up", "--port", "0", "--datanodes", "2");
  const [first] = await datanodes();
  const address = first?.address ?? "";
  await folder.ok("node", "drain", address, "--wait");
  await folder.ok("node", "remove", address);

  const up = await folder.ok("cluster", "up");
  expect(up).toMatch(/^datanode-1 was removed from the cluster: it is ended, and not started/u);
  expect(up).toMatch(/^the cluster is healthy: .*, 1 datanode \(/mu);
  expect(await datanodes()).toEqual([
    expect.objectContaining({ name: "datanode-1", isRunning: false, isRemoved: true }),
    expect.objectContaining({ name: "datanode-2", isRunning: true }),
  ]);
  const status = await folder.run(["cluster", "status"]);
  expect(status.code).toBe(0);
  expect(status.out).toMatch(/^datanode-1 +\d+ +removed /mu);

  // It is known from then on, and costs no time and no words.
  expect(await folder.ok("cluster", "up")).toMatch(/^the cluster is healthy: .*, 1 datanode \(/u);
  await folder.ok("cluster", "up", "--datanodes", "2");
  const names = (await datanodes()).filter(({ isRunning }) => isRunning).map(({ name }) => name);
  expect(names).toEqual(["datanode-2", "datanode-3"]);

  // So many as are asked for run in the end, also when it is only found out then that one was removed.
  const second = (await datanodes()).find(({ name }) => name === "datanode-2")?.address ?? "";
  await folder.ok("node", "drain", second, "--wait");
  await folder.ok("node", "remove", second);
  expect(await folder.ok("cluster", "up", "--datanodes", "2")).toMatch(/, 2 datanodes \(/u);
});

test("settings in the data folder are those of the processes, and a wrong one is told", async () => {
  await folder.ok("cluster", "down");
  await writeFile(folder.file(".cairn", "coordinator.yaml"), "defaultReplicationFactor: 1\n");
  await folder.ok("cluster", "up");
  const { defaultReplicationFactor } = JSON.parse(await folder.ok("status", "--json"));
  expect(defaultReplicationFactor).toBe(1);

  await folder.ok("cluster", "down");
  await writeFile(folder.file(".cairn", "datanode.yaml"), "noSuchSetting: 1\n");
  const refused = await folder.run(["cluster", "up"]);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("noSuchSetting");
});

test("a dev cluster starts without a datanode that was removed, and says so", async () => {
  await using other = await CommandFolder.make();
  const dev = (...flags: readonly string[]) => other.start(["dev", "--port", "0", ...flags]);
  const end = async ({ child, ended }: Running) => {
    child.kill("SIGTERM");
    return (await ended).out;
  };
  const first = dev("--json");
  await lineWith(first, "ready");
  await other.ok("node", "drain", "2", "--wait");
  await other.ok("node", "remove", "2");
  await end(first);

  const second = dev();
  await lineWith(second, "Ctrl-C ends it");
  const told = await end(second);
  expect(told).toContain("CairnFS is running: 2 datanodes");
  expect(told).toMatch(/^Removed from the cluster: .*datanode-[123]\. /mu);
}, 60_000);

async function lineWith({ child }: Running, text: string): Promise<void> {
  if (child.stdout === null) throw new Error("its stdout is not read");
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes(text)) return;
  }
  throw new Error(`it ended without a line with "${text}"`);
}
