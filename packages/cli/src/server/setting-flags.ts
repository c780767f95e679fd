import { readFile } from "node:fs/promises";
import { CairnError } from "@cairnfs/base/errors";
import { isSecretName } from "@cairnfs/base/secret-name";
import { loadConfig } from "@cairnfs/config/load";
import { defaultOf } from "@cairnfs/config/reference";
import { type Setting, settingsOf } from "@cairnfs/config/settings";
import { type Command, Option } from "commander";
import type { output, ZodObject } from "zod";

/** Variables of the command itself, which no server has a setting for. */
const COMMAND_VARIABLES = ["CAIRN_CONFIG", "CAIRN_COORDINATOR", "CAIRN_TEST_LOGS", "CAIRN_VERSION"];

/** Adds `--config` and a flag for every setting of the schema. */
export function addSettingFlags(command: Command, schema: ZodObject): void {
  command.addOption(new Option("-c, --config <file>", "a YAML file of settings (or CAIRN_CONFIG)"));
  for (const setting of settingsOf(schema)) {
    // A secret on a command line is in everybody's process list.
    if (isSecretName(setting.path.at(-1) ?? "")) continue;
    command.addOption(
      new Option(`${setting.flag} ${placeholder(setting)}`, describe(setting)).helpGroup(
        "Settings:",
      ),
    );
  }
}

/**
 * The settings a server was given: defaults, the file of `--config`, the environment and the flags, checked.
 * `otherSchemas` are settings of other roles, whose variables may stand in a shared environment.
 */
export async function readSettings<S extends ZodObject>(
  schema: S,
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  otherSchemas: readonly ZodObject[] = [],
): Promise<output<S>> {
  const file = typeof options.config === "string" ? options.config : env.CAIRN_CONFIG;
  const flags: Record<string, unknown> = {};
  for (const setting of settingsOf(schema)) {
    const given = options[new Option(`${setting.flag} <value>`).attributeName()];
    if (given !== undefined) flags[setting.key] = given;
  }
  return loadConfig(schema, {
    file: file ? { name: file, text: await readConfigFile(file) } : undefined,
    env,
    foreignEnvNames: [
      ...COMMAND_VARIABLES,
      ...otherSchemas.flatMap((other) => settingsOf(other).map(({ envName }) => envName)),
    ],
    flags,
  });
}

async function readConfigFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CairnError("invalidConfig", `the configuration file cannot be read: ${why}`, {
      cause,
    });
  }
}

function placeholder({ kind }: Setting): string {
  if (kind === "switch") return "[true|false]";
  return kind === "size" || kind === "duration" || kind === "number" ? `<${kind}>` : "<value>";
}

function describe(setting: Setting): string {
  const text = setting.description.replace(/\.$/u, "");
  const shownDefault = defaultOf(setting).replaceAll("`", "");
  return shownDefault === "" ? text : `${text} (${shownDefault})`;
}
