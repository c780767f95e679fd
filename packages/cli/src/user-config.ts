import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CommandFailure } from "./failure.ts";

/** What the command remembers for its user. */
export interface UserConfig {
  /** host:port of the coordinator; several, separated by commas, are tried in turn. */
  readonly coordinator?: string | undefined;
}

/** The settings that `cairn config` knows, with what they mean. */
export const USER_SETTINGS = {
  coordinator:
    "host:port of the cluster's coordinator; several, separated by commas, are tried in turn",
} as const;
export type UserSetting = keyof typeof USER_SETTINGS;

export function isUserSetting(name: string): name is UserSetting {
  return Object.hasOwn(USER_SETTINGS, name);
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where the settings are kept, by the rules of XDG. */
export function userConfigPath(env: Env): string {
  const folder = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(folder, "cairn", "config.yaml");
}

/** The saved settings; none when nothing was saved. */
export async function readUserConfig(env: Env): Promise<UserConfig> {
  const path = userConfigPath(env);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
  // Loaded when there is something to read: most calls have an address without it.
  const { yamlValues } = await import("@cairnfs/config/yaml-file");
  const found: Partial<Record<UserSetting, string>> = {};
  for (const { path: key, value, line } of yamlValues(text, path, () => true)) {
    const name = key.join(".");
    if (!isUserSetting(name) || typeof value !== "string") {
      throw new CommandFailure(
        "usage",
        `${name} (${path}:${line}) is not a setting of this command`,
        `the settings are: ${Object.keys(USER_SETTINGS).join(", ")}`,
      );
    }
    found[name] = value;
  }
  return found;
}

/** Saves the settings as a whole. */
export async function writeUserConfig(env: Env, config: UserConfig): Promise<void> {
  const path = userConfigPath(env);
  await mkdir(dirname(path), { recursive: true });
  const lines = Object.entries(config)
    .filter(([, value]) => value !== undefined)
    // A JSON string is a YAML string.
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, lines.join(""), { mode: 0o600 });
  await rename(draft, path);
}
