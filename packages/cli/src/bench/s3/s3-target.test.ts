import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ContentMaker } from "../content.ts";
import { LocalLoad } from "../load.ts";
import { S3Server } from "../testing/s3-server.ts";
import type { WorkloadName } from "../workload.ts";
import { S3Client } from "./s3-client.ts";
import { S3Target } from "./s3-target.ts";

const SECRET = "not/a+real=secret";
const signal = new AbortController().signal;
const clock = new SystemClock();
let server: S3Server;
let client: S3Client;
let target: S3Target;

beforeEach(async () => {
  server = await S3Server.start(SECRET);
  const identity = { accessKey: "someone", secretKey: SECRET, region: "eu-central-1" };
  client = new S3Client({ ...identity, endpoint: server.url }, clock);
  target = new S3Target(client, "bench", ".bench-1/");
});

afterEach(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

test("the bucket is made when it is missing, and left alone when it is there", async () => {
  await target.prepare(signal);
  expect(server.buckets).toEqual(new Set(["bench"]));
  await target.prepare(signal);
  expect(server.refused).toBe(0);
});

test("objects go in and out as they were, from memory and in parts, under any name", async () => {
  await target.prepare(signal);
  const content = new ContentMaker(new SystemRandom());
  for (const [name, sizeBytes] of [
    ["a b/ü+&=~'(1)*!.txt", 5_000],
    ["large", 3_500_000],
    ["empty", 0],
  ] as const) {
    const object = content.object(sizeBytes);
    const heard: number[] = [];
    await target.put(name, object, signal, (bytes) => heard.push(bytes));
    expect(heard.reduce((sum, bytes) => sum + bytes, 0)).toBe(sizeBytes);
    expect(server.objects.get(`.bench-1/${name}`)?.byteLength).toBe(sizeBytes);
    if (object.bytes !== undefined) {
      expect(server.objects.get(`.bench-1/${name}`)?.equals(object.bytes)).toBe(true);
    }
    expect(await target.get(name, signal)).toBe(sizeBytes);
    await target.stat(name, signal);
  }
  expect(server.refused).toBe(0);
});

test("what the service refuses is told with its code, and a wrong key is refused", async () => {
  await target.prepare(signal);
  await expect(target.get("missing", signal)).rejects.toThrow("404 NoSuchKey");
  await expect(target.stat("missing", signal)).rejects.toThrow("404");
  const identity = { accessKey: "someone", secretKey: "wrong", region: "eu-central-1" };
  const stranger = new S3Client({ ...identity, endpoint: server.url }, clock);
  await expect(new S3Target(stranger, "bench", "x/").get("y", signal)).rejects.toThrow(
    "403 SignatureDoesNotMatch",
  );
  stranger.close();
});

test("a whole bench runs over S3 without an error, and its wipe leaves what is not its own", async () => {
  await target.prepare(signal);
  server.objects.set("kept", Buffer.from("kept"));
  const workloads: WorkloadName[] = ["large", "small", "mixed", "list", "meta"];
  for (const workload of workloads) {
    const settings = {
      workload,
      sizesBytes: [2_000],
      parallel: 6,
      count: 60,
      durationMs: 0,
      isBrief: false,
      large: undefined,
      fileFolder: undefined,
      pageEntries: 20,
      seed: 1,
      client: 0,
      clients: 1,
    };
    const load = new LocalLoad(target, settings, { clock, signal });
    await load.open();
    await load.warmUp(20);
    for (const [at, step] of load.steps.entries()) {
      const progress = { operations: 0, expected: undefined, bytes: 0, errors: 0 };
      const [{ tallies }] = await load.run(at, progress);
      expect(
        tallies.map(({ firstError }) => firstError),
        `${workload}: ${step.name}`,
      ).toEqual(tallies.map(() => undefined));
      if (step.name.startsWith("page")) expect(tallies[0]?.entries).toBe(200 * 20);
      if (step.name === "list all") expect(tallies[0]?.entries).toBe(6 * 60);
    }
  }
  await target.wipe(signal);
  expect([...server.objects.keys()]).toEqual(["kept"]);
  expect(server.refused).toBe(0);
});

test("a directory of more than a page is listed whole", async () => {
  await target.prepare(signal);
  for (let at = 0; at < 2_345; at++) server.objects.set(`.bench-1/many/${at}`, Buffer.alloc(0));
  expect(await target.list("many", signal)).toBe(2_345);
  await target.wipe(signal);
  expect(server.objects.size).toBe(0);
});
