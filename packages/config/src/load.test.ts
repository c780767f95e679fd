import { expect, test } from "vitest";
import * as z from "zod";
import { type ConfigSources, loadConfig } from "./load.ts";

const schema = z.object({
  address: z.string().default("127.0.0.1:7070").describe("Where to listen."),
  dataDir: z.string().describe("Where data is kept."),
  defaultReplicationFactor: z.number().int().min(1).max(16).default(3).describe("Copies."),
  chunkSizeBytes: z.number().int().min(65_536).max(536_870_912).default(8_388_608),
  heartbeatIntervalMs: z.number().int().min(10).default(1_000),
  store: z.enum(["segment", "file"]).default("segment"),
  verify: z.boolean().default(true),
  joinToken: z.string().min(8).optional(),
  peers: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  scrub: z
    .object({
      rateBytesPerSecond: z.number().int().min(0).default(1_048_576),
      periodMs: z.number().int().default(86_400_000),
    })
    .prefault({}),
});

function load(sources: ConfigSources) {
  return loadConfig(schema, { ...sources, flags: { dataDir: "/d", ...sources.flags } });
}

function problemsOf(sources: ConfigSources, over: z.ZodObject = schema): string[] {
  try {
    loadConfig(over, sources);
  } catch (error) {
    expect(error).toMatchObject({ reason: "invalidConfig" });
    return error instanceof Error ? error.message.split("\n") : [];
  }
  return [];
}

test("without sources everything has its default, and the result is frozen to the bottom", () => {
  const config = load({});
  expect(config).toMatchObject({ defaultReplicationFactor: 3, scrub: { periodMs: 86_400_000 } });
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.isFrozen(config.scrub)).toBe(true);
  expect(Object.isFrozen(config.peers)).toBe(true);
});

test("flags win over the environment, the environment over the file, the file over defaults", () => {
  const file = { name: "c.yaml", text: "store: file\nverify: false\naddress: a:1\n" };
  const env = { CAIRN_ADDRESS: "b:2", CAIRN_STORE: "segment", OTHER: "x" };
  expect(load({ file, env, flags: { address: "c:3" } })).toMatchObject({
    address: "c:3",
    store: "segment",
    verify: false,
  });
});

test("sizes, durations, switches and lists are read from text in every source", () => {
  const file = {
    name: "c.yaml",
    text: "chunkSizeBytes: 64KiB\nscrub:\n  rateBytesPerSecond: 2MiB\n  periodMs: 7d\npeers: [a, b]\nlabels: {x: y}\n",
  };
  const env = { CAIRN_VERIFY: "off", CAIRN_SCRUB_PERIOD_MS: "1h", CAIRN_PEERS: "c, d" };
  expect(load({ file, env, flags: { heartbeatIntervalMs: "500ms" } })).toMatchObject({
    chunkSizeBytes: 65_536,
    scrub: { rateBytesPerSecond: 2_097_152, periodMs: 3_600_000 },
    verify: false,
    heartbeatIntervalMs: 500,
    peers: ["c", "d"],
    labels: { x: "y" },
  });
});

test("a value out of bounds is refused with key, value, place and what was expected", () => {
  const text = "dataDir: /d\n\ndefaultReplicationFactor: 17\nchunkSizeBytes: 1KiB\n";
  expect(problemsOf({ file: { name: "c.yaml", text } })).toEqual([
    "defaultReplicationFactor is 17 (c.yaml:3): expected a whole number, 1 to 16",
    'chunkSizeBytes is "1KiB" (c.yaml:4): expected a size like 8MiB, 64KiB to 512MiB',
  ]);
  const env = { CAIRN_DATA_DIR: "/d", CAIRN_STORE: "tape" };
  expect(problemsOf({ env, flags: { heartbeatIntervalMs: "soon" } })).toEqual([
    'heartbeatIntervalMs is "soon" (--heartbeat-interval-ms): expected a duration like 10s, at least 10ms',
    'store is "tape" (CAIRN_STORE): expected one of segment, file',
  ]);
});

test("limits hold at the limit and one past", () => {
  expect(load({ flags: { defaultReplicationFactor: "16" } }).defaultReplicationFactor).toBe(16);
  expect(() => load({ flags: { defaultReplicationFactor: "17" } })).toThrow(
    "--default-replication",
  );
});

test("the value of a secret is never shown", () => {
  const [problem] = problemsOf({ env: { CAIRN_DATA_DIR: "/d", CAIRN_JOIN_TOKEN: "hunter2" } });
  expect(problem).toContain("joinToken is [redacted] (CAIRN_JOIN_TOKEN)");
  expect(problem).not.toContain("hunter2");
});

test("an unknown name is refused in every source, with the nearest known one", () => {
  const file = { name: "c.yaml", text: "dataDir: /d\nscrub:\n  perodMs: 1d\nzebra: 1\n" };
  expect(problemsOf({ file, env: { CAIRN_ADRESS: "x" }, flags: { "no.such": 1 } })).toEqual([
    "scrub.perodMs (c.yaml:3) is not a setting: did you mean scrub.periodMs?",
    "zebra (c.yaml:4) is not a setting",
    "CAIRN_ADRESS (the environment) is not a setting: did you mean CAIRN_ADDRESS?",
    "no.such (the flags) is not a setting",
  ]);
});

test("variables that belong to others are let be, and an empty one is not set", () => {
  const env = { CAIRN_CONFIG: "/x", CAIRN_STORE: "" };
  expect(load({ env, foreignEnvNames: ["CAIRN_CONFIG"] }).store).toBe("segment");
});

test("what is required and missing is named with the three ways to set it", () => {
  expect(problemsOf({})).toEqual([
    "dataDir is missing: expected text; set it in the file, as CAIRN_DATA_DIR or with --data-dir",
  ]);
});

test("a rule between settings speaks in its own words", () => {
  const paired = schema.refine((config) => config.defaultReplicationFactor <= config.peers.length, {
    message: "defaultReplicationFactor is above the number of peers",
  });
  expect(problemsOf({ flags: { dataDir: "/d" } }, paired)).toEqual([
    "defaultReplicationFactor is above the number of peers",
  ]);
});

test("text that is no YAML is refused with its line, and so is a file without settings", () => {
  expect(problemsOf({ file: { name: "c.yaml", text: "a: 1\nb: [1,\n" } })[0]).toMatch(
    /^c\.yaml:\d+ is not YAML: /u,
  );
  expect(problemsOf({ file: { name: "c.yaml", text: "a: 1\na: 2\n" } })[0]).toMatch(
    /^c\.yaml:2 is not YAML: /u,
  );
  expect(problemsOf({ file: { name: "c.yaml", text: "- 1\n" } })[0]).toContain("holds no settings");
  expect(load({ file: { name: "c.yaml", text: "" } }).store).toBe("segment");
});

test("a number where text belongs is taken by its digits, and an empty line leaves the default", () => {
  const file = { name: "c.yaml", text: "address: 7070\nstore:\nscrub:\n" };
  expect(load({ file })).toMatchObject({ address: "7070", store: "segment" });
});
