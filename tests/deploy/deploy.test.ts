import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SystemClock } from "@cairnfs/base/clock";
import type { CommandHost } from "@cairnfs/cli/command";
import { buildProgram } from "@cairnfs/cli/program";
import {
  coordinatorProcessSettings,
  datanodeProcessSettings,
  gatewayProcessSettings,
} from "@cairnfs/cli/server/settings";
import { loadConfig } from "@cairnfs/config/load";
import { settingsOf } from "@cairnfs/config/settings";
import type { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";

// Goal: nobody copies a file of deploy/ that names a command, flag or setting that is not there.
const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const schemas = {
  coordinator: coordinatorProcessSettings,
  datanode: datanodeProcessSettings,
  gateway: gatewayProcessSettings,
};
type Role = keyof typeof schemas;

/** Whose file, service or unit this is, by the start of its name. */
function roleOf(name: string): Role {
  const plain = name.replace(/^cairn-/u, "");
  if (plain.startsWith("coordinator")) return "coordinator";
  return plain.startsWith("gateway") ? "gateway" : "datanode";
}

let program: Command;

beforeAll(async () => {
  const host: CommandHost = {
    context: {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: {},
      folder: "/",
      clock: new SystemClock(),
      signal: new AbortController().signal,
    },
    finishWith: () => undefined,
    wholeProgram: () => buildProgram(host, () => true),
  };
  program = await host.wholeProgram();
});

function read(...names: readonly string[]): string {
  return readFileSync(join(DEPLOY, ...names), "utf8");
}

/** The flags a command line gives, after checking that the command and each of them exist. */
function flagsOf(words: readonly string[]): Record<string, string> {
  const [name = "", ...rest] = words;
  const command = program.commands.find((known) => known.name() === name);
  expect(command, `cairn ${name}`).toBeDefined();
  const flags: Record<string, string> = {};
  for (let at = 0; at < rest.length; at += 2) {
    const flag = rest[at] ?? "";
    expect(
      command?.options.map(({ long }) => long),
      `cairn ${name} ${flag}`,
    ).toContain(flag);
    flags[flag] = rest[at + 1] ?? "";
  }
  return flags;
}

/** Reads the settings as the server would. */
function load(
  role: Role,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): unknown {
  const { "--config": _config, ...given } = flagsOf(words);
  const byFlag = new Map(settingsOf(schemas[role]).map(({ flag, key }) => [flag, key]));
  const flags = Object.fromEntries(
    Object.entries(given).map(([flag, value]) => [byFlag.get(flag) ?? flag, value]),
  );
  return loadConfig(schemas[role], { env, flags });
}

describe("sample settings", () => {
  test.each(readdirSync(join(DEPLOY, "config")))("%s is taken by its server", (name) => {
    const config = loadConfig(schemas[roleOf(name)], {
      file: { name, text: read("config", name) },
    });
    if ("dataDir" in config) {
      expect(config.allowInsecureBind).toBe(true);
      expect(config.dataDir).toMatch(/^\//u);
    }
  });
});

interface ComposeService {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly networks: readonly string[];
}

describe("compose.yaml", () => {
  const compose: {
    readonly services: Readonly<Record<string, ComposeService>>;
    readonly volumes: Readonly<Record<string, unknown>>;
  } = parse(read("compose.yaml"), { merge: true });

  test("has a coordinator and six datanodes, each with a volume of its own, and a gateway without", () => {
    const names = Object.keys(compose.services);
    expect(names).toEqual([
      "coordinator",
      "gateway",
      ...[1, 2, 3, 4, 5, 6].map((at) => `datanode-${at}`),
    ]);
    for (const [name, { volumes, networks }] of Object.entries(compose.services)) {
      expect(networks).toEqual(["cairn"]);
      if (name === "gateway") continue;
      expect(volumes).toEqual([`${name}:/var/lib/cairn`]);
      expect(Object.keys(compose.volumes)).toContain(name);
    }
  });

  test("gives each server settings that it knows", () => {
    for (const [name, { command, environment }] of Object.entries(compose.services)) {
      expect(command[0]).toBe(roleOf(name));
      const config = load(roleOf(name), command, environment);
      if (name !== "gateway") expect(config).toMatchObject({ dataDir: "/var/lib/cairn" });
    }
  });

  test("tells the cluster each datanode's own name", () => {
    for (const [name, { environment }] of Object.entries(compose.services)) {
      if (roleOf(name) !== "datanode") continue;
      expect(environment.CAIRN_ADVERTISED_ADDRESS).toBe(`${name}:7080`);
      expect(environment.CAIRN_COORDINATOR_ADDRESS).toBe("coordinator:7070");
    }
  });
});

describe("Dockerfile", () => {
  const lines = read("Dockerfile").replaceAll("\\\n", " ").split("\n");
  const last = (word: string) => lines.filter((line) => line.startsWith(`${word} `)).at(-1) ?? "";

  test("runs as a user, from the command, and asks it whether it is ready", () => {
    expect(last("USER")).toBe("USER node");
    expect(last("ENTRYPOINT")).toBe('ENTRYPOINT ["cairn"]');
    const words: string[] = JSON.parse(/CMD (\[.*\])$/u.exec(last("HEALTHCHECK"))?.[1] ?? "[]");
    expect(words[0]).toBe("cairn");
    flagsOf(words.slice(1));
  });

  test("names the ports that the servers have by default", () => {
    const ports = Object.values(schemas).flatMap((schema) => {
      const config = loadConfig<(typeof schemas)[Role]>(schema, {});
      const grpc = "grpcAddress" in config ? [config.grpcAddress] : [];
      const addresses = [config.address, ...grpc, config.httpAddress];
      return addresses.map((at) => at.split(":").at(-1) ?? "");
    });
    expect(last("EXPOSE").split(" ").slice(1)).toEqual(ports);
  });
});

describe("systemd", () => {
  test.each(readdirSync(join(DEPLOY, "systemd")))(
    "%s starts a server, hardened, with settings it knows",
    (name) => {
      const unit = parseUnit(read("systemd", name));
      expect([...unit.keys()]).toEqual(["Unit", "Service", "Install"]);
      const service = unit.get("Service");
      const [binary, ...words] = (service?.get("ExecStart") ?? "").split(" ");
      expect(binary).toBe("/usr/local/bin/cairn");
      expect(words[0]).toBe(roleOf(name));
      load(roleOf(name), words, {});
      for (const [key, value] of [
        ["User", "cairn"],
        ["NoNewPrivileges", "yes"],
        ["ProtectSystem", "strict"],
        ["CapabilityBoundingSet", ""],
        ["KillSignal", "SIGTERM"],
        ["Restart", "on-failure"],
      ] as const) {
        expect(service?.get(key), key).toBe(value);
      }
    },
  );
});

/** Sections of keys and values, as systemd reads them; a line that is neither is an error. */
function parseUnit(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const head = /^\[(\w+)\]$/u.exec(line)?.[1];
    if (head !== undefined) {
      section = new Map();
      sections.set(head, section);
      continue;
    }
    const [, key = "", value = ""] = /^(\w+)=(.*)$/u.exec(line) ?? [];
    if (key === "" || section === undefined) throw new Error(`not a line of a unit: ${line}`);
    section.set(key, value);
  }
  return sections;
}
