import { isSecretName } from "@cairnfs/base/secret-name";
import type { ZodObject } from "zod";
import { type Setting, settingsOf } from "./settings.ts";
import { formatDuration, formatSize } from "./units.ts";

/** A table in Markdown of every setting of `schema`: key, what it takes, default, variable, flag, meaning. */
export function referenceTable(schema: ZodObject): string {
  const rows = settingsOf(schema).map((setting) => [
    `\`${setting.key}\``,
    setting.expected,
    defaultOf(setting),
    `\`${setting.envName}\``,
    `\`${setting.flag}\``,
    setting.description.replaceAll("<", "&lt;"),
  ]);
  const head = ["Key", "Takes", "Default", "Environment", "Flag", "Meaning"];
  return [head, head.map(() => "---"), ...rows].map(line).join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** The default as a file would have it; "required" when there must be a value. */
export function defaultOf(setting: Setting): string {
  const { defaultValue, kind } = setting;
  if (setting.isRequired) return "required";
  if (defaultValue === undefined || defaultValue === "") return "";
  if (isSecretName(setting.path.at(-1) ?? "")) return "";
  if (kind === "size" && typeof defaultValue === "number") return `\`${formatSize(defaultValue)}\``;
  if (kind === "duration" && typeof defaultValue === "number") {
    return `\`${formatDuration(defaultValue)}\``;
  }
  return `\`${typeof defaultValue === "string" ? defaultValue : JSON.stringify(defaultValue)}\``;
}
