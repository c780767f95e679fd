import { CairnError } from "@cairnfs/base/errors";
import { isSecretName, REDACTED } from "@cairnfs/base/secret-name";
import type { output, ZodObject } from "zod";
import { nearestName } from "./nearest-name.ts";
import { type Setting, type SettingKind, settingsOf } from "./settings.ts";
import { parseDuration, parseSize } from "./units.ts";
import { yamlValues } from "./yaml-file.ts";

/** Where values come from; a later one wins: defaults, file, environment, flags. */
export interface ConfigSources {
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Variables that start with CAIRN_ and are not this schema's to know. */
  readonly foreignEnvNames?: Iterable<string>;
  /** Values by the dotted key of their setting. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

interface Given {
  readonly value: unknown;
  /** "cairn.yaml:3", "CAIRN_ZONE", "--zone" */
  readonly origin: string;
}

/**
 * The settings of `schema`, checked and frozen. Whatever is wrong, all of it, is thrown as one `invalidConfig` with a line
 * for each problem: the key, the value (never a secret's), where it came from and what was expected.
 */
export function loadConfig<S extends ZodObject>(schema: S, sources: ConfigSources): output<S> {
  const settings = settingsOf(schema);
  const problems: string[] = [];
  const given = new Map<string, Given>([
    ...fromFile(settings, sources.file, problems),
    ...fromEnv(settings, sources, problems),
    ...fromFlags(settings, sources.flags ?? {}, problems),
  ]);
  const raw: Record<string, unknown> = {};
  for (const setting of settings) {
    const found = given.get(setting.key);
    if (found !== undefined)
      setAt(raw, setting.path, readValue(setting.kind, setting, found.value));
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      problems.push(problemOf(issue, settings, given));
    }
  }
  if (problems.length > 0 || !parsed.success) {
    throw new CairnError("invalidConfig", [...new Set(problems)].join("\n"));
  }
  return deepFreeze(parsed.data);
}

function fromFile(
  settings: readonly Setting[],
  file: ConfigSources["file"],
  problems: string[],
): [string, Given][] {
  if (file === undefined) return [];
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const found: [string, Given][] = [];
  const values = yamlValues(file.text, file.name, (path) => byKey.has(path.join(".")));
  for (const { path, value, line } of values) {
    const key = path.join(".");
    const origin = `${file.name}:${line}`;
    if (byKey.has(key)) {
      // An empty line ("zone:") leaves the setting as it is.
      if (value !== null && value !== undefined) found.push([key, { value, origin }]);
    } else if (!isEmptyGroup(key, value, settings)) {
      problems.push(unknownName(key, origin, byKey.keys()));
    }
  }
  return found;
}

function isEmptyGroup(key: string, value: unknown, settings: readonly Setting[]): boolean {
  const isGroup = settings.some((setting) => setting.key.startsWith(`${key}.`));
  return isGroup && (value === null || value === undefined);
}

function fromEnv(
  settings: readonly Setting[],
  sources: ConfigSources,
  problems: string[],
): [string, Given][] {
  const byName = new Map(settings.map((setting) => [setting.envName, setting]));
  const foreign = new Set(sources.foreignEnvNames);
  const found: [string, Given][] = [];
  for (const [name, value] of Object.entries(sources.env ?? {})) {
    // Set but empty is how a composed environment says "not set".
    if (!name.startsWith("CAIRN_") || value === undefined || value === "") continue;
    const setting = byName.get(name);
    if (setting !== undefined) found.push([setting.key, { value, origin: name }]);
    else if (!foreign.has(name)) problems.push(unknownName(name, "the environment", byName.keys()));
  }
  return found;
}

function fromFlags(
  settings: readonly Setting[],
  flags: Readonly<Record<string, unknown>>,
  problems: string[],
): [string, Given][] {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const found: [string, Given][] = [];
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const setting = byKey.get(key);
    if (setting === undefined) problems.push(unknownName(key, "the flags", byKey.keys()));
    else found.push([key, { value, origin: setting.flag }]);
  }
  return found;
}

function unknownName(name: string, origin: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "" : `: did you mean ${nearest}?`;
  return `${name} (${origin}) is not a setting${hint}`;
}

/** Text becomes what its setting holds where it can; what cannot is left for the schema to refuse. */
function readValue(kind: SettingKind, setting: Setting, value: unknown): unknown {
  if (kind === "list") {
    const items = typeof value === "string" ? value.split(",").map((item) => item.trim()) : value;
    if (!Array.isArray(items)) return value;
    return items.map((item: unknown) => readValue(setting.itemKind ?? "any", setting, item));
  }
  if (typeof value === "string") return readText(kind, value);
  // YAML reads `rack: 7` as a number; a setting that is text means the digits.
  if (kind === "text" && typeof value === "number") return String(value);
  return value;
}

function readText(kind: SettingKind, text: string): unknown {
  switch (kind) {
    case "size":
      return parseSize(text) ?? text;
    case "duration":
      return parseDuration(text) ?? text;
    case "number":
      return isNumeric(text) ? Number(text) : text;
    case "switch":
      if (/^(?:true|yes|on|1)$/iu.test(text)) return true;
      return /^(?:false|no|off|0)$/iu.test(text) ? false : text;
    case "any":
      if (text === "true" || text === "false") return text === "true";
      return isNumeric(text) ? Number(text) : text;
    default:
      return text;
  }
}

function isNumeric(text: string): boolean {
  return /^[-+]?\d+(?:\.\d+)?$/u.test(text.trim());
}

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function problemOf(
  issue: Issue,
  settings: readonly Setting[],
  given: ReadonlyMap<string, Given>,
): string {
  const path = issue.path.map(String);
  const setting = settings.find(({ path: own }) => own.every((part, at) => part === path[at]));
  const key = path.join(".");
  if (setting === undefined) return key === "" ? issue.message : `${key}: ${issue.message}`;
  const found = given.get(setting.key);
  const expected =
    issue.code === "custom" || path.length > setting.path.length
      ? `${setting.expected}; ${issue.message}`
      : setting.expected;
  if (found === undefined) {
    return setting.isRequired
      ? `${setting.key} is missing: expected ${expected}; set it in the file, as ${setting.envName} or with ${setting.flag}`
      : `${setting.key}: ${issue.message}`;
  }
  const shown = isSecretName(setting.path.at(-1) ?? "") ? REDACTED : JSON.stringify(found.value);
  return `${setting.key} is ${shown} (${found.origin}): expected ${expected}`;
}

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let group = target;
  for (const part of path.slice(0, -1)) {
    group[part] ??= {};
    // Made here, one line above, or by an earlier setting of the same group.
    group = group[part] as Record<string, unknown>;
  }
  group[path.at(-1) ?? ""] = value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
