import type { ZodObject, ZodType } from "zod";
import { formatDuration, formatSize } from "./units.ts";

/** How a setting's text is read and shown. The unit is the end of its name: `…Bytes` is a size, `…Ms` a duration. */
export type SettingKind =
  | "text"
  | "number"
  | "size"
  | "duration"
  | "switch"
  | "choice"
  | "list"
  | "map"
  | "any";

/** One knob: a leaf of the schema. */
export interface Setting {
  readonly path: readonly string[];
  /** The path with dots. */
  readonly key: string;
  readonly kind: SettingKind;
  /** In words, for people: "a size, 64KiB to 512MiB". */
  readonly expected: string;
  /** Undefined when there is none. */
  readonly defaultValue: unknown;
  readonly isRequired: boolean;
  readonly description: string;
  /** CAIRN_DEFAULT_REPLICATION_FACTOR */
  readonly envName: string;
  /** --default-replication-factor */
  readonly flag: string;
  /** Of the list's items. */
  readonly itemKind?: SettingKind;
}

/**
 * What we read of a zod schema's definition. zod keeps these by kind in types of their own; `unwrap` and `leafOf`
 * ask for what a kind has and no more.
 */
interface Definition {
  readonly type: string;
  readonly innerType?: ZodType;
  readonly in?: ZodType;
  readonly element?: ZodType;
  readonly defaultValue?: unknown;
  readonly options?: readonly ZodType[];
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly shape?: Readonly<Record<string, ZodType>>;
}

const WRAPPERS = new Set([
  "default",
  "prefault",
  "optional",
  "nullable",
  "readonly",
  "catch",
  "pipe",
  "nonoptional",
]);

/** All settings of a schema, in its order. */
export function settingsOf(schema: ZodObject): Setting[] {
  return settingsAt(schema, []);
}

function settingsAt(schema: ZodType, path: readonly string[]): Setting[] {
  const { inner } = unwrap(schema);
  const { shape } = definitionOf(inner);
  if (shape === undefined) return [leafOf(schema, path)];
  return Object.entries(shape).flatMap(([name, field]) => settingsAt(field, [...path, name]));
}

function definitionOf(schema: ZodType): Definition {
  // `Definition` names a part of what zod 4 documents as `def`.
  return schema.def as unknown as Definition;
}

interface Unwrapped {
  readonly inner: ZodType;
  readonly isOptional: boolean;
  readonly defaultValue: unknown;
  readonly description: string | undefined;
}

function unwrap(schema: ZodType): Unwrapped {
  let inner = schema;
  let isOptional = false;
  let defaultValue: unknown;
  let description: string | undefined;
  for (;;) {
    description ??= inner.description;
    const definition = definitionOf(inner);
    if (!WRAPPERS.has(definition.type)) break;
    if (definition.type === "default" || definition.type === "prefault") {
      defaultValue ??= definition.defaultValue;
      isOptional = true;
    }
    isOptional ||= definition.type === "optional";
    const next = definition.innerType ?? definition.in;
    if (next === undefined) break;
    inner = next;
  }
  return { inner, isOptional, defaultValue, description };
}

function leafOf(schema: ZodType, path: readonly string[]): Setting {
  const { inner, isOptional, defaultValue, description } = unwrap(schema);
  const name = path.at(-1) ?? "";
  const kind = kindOf(inner, name);
  const { element } = definitionOf(inner);
  return {
    path,
    key: path.join("."),
    kind,
    expected: expectedOf(inner, kind),
    defaultValue,
    isRequired: !isOptional,
    description: description ?? "",
    envName: `CAIRN_${path.map((part) => words(part, "_").toUpperCase()).join("_")}`,
    flag: `--${path.map((part) => words(part, "-").toLowerCase()).join("-")}`,
    ...(element === undefined ? {} : { itemKind: kindOf(unwrap(element).inner, name) }),
  };
}

function words(name: string, separator: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/gu, separator);
}

function kindOf(schema: ZodType, name: string): SettingKind {
  switch (definitionOf(schema).type) {
    case "string":
      return "text";
    case "number":
    case "int":
      return /Bytes(?:PerSecond)?(?:Min|Max)?$/u.test(name)
        ? "size"
        : /Ms(?:Min|Max)?$/u.test(name)
          ? "duration"
          : "number";
    case "boolean":
      return "switch";
    case "enum":
    case "literal":
      return "choice";
    case "array":
      return "list";
    case "record":
    case "map":
      return "map";
    default:
      return "any";
  }
}

function expectedOf(schema: ZodType, kind: SettingKind): string {
  const definition = definitionOf(schema);
  switch (kind) {
    case "size":
      return `a size like 8MiB${bounds(schema, formatSize)}`;
    case "duration":
      return `a duration like 10s${bounds(schema, formatDuration)}`;
    case "number":
      return `${isWhole(schema) ? "a whole number" : "a number"}${bounds(schema, String)}`;
    case "switch":
      return "true or false";
    case "choice":
      return `one of ${(definition.values ?? Object.values(definition.entries ?? {})).join(", ")}`;
    case "list":
      return "a list";
    case "map":
      return "names and values";
    case "text":
      return "text";
    default:
      return definition.options === undefined
        ? "another value"
        : definition.options.map((option) => expectedOf(option, kindOf(option, ""))).join(" or ");
  }
}

function isWhole(schema: ZodType): boolean {
  return "isInt" in schema && schema.isInt === true;
}

function bounds(schema: ZodType, format: (value: number) => string): string {
  const min = boundOf("minValue" in schema ? schema.minValue : undefined);
  const max = boundOf("maxValue" in schema ? schema.maxValue : undefined);
  if (min !== undefined && max !== undefined) return `, ${format(min)} to ${format(max)}`;
  if (min !== undefined) return `, at least ${format(min)}`;
  return max === undefined ? "" : `, at most ${format(max)}`;
}

/** The limits of safe integers and infinities are not what a schema's author set. */
function boundOf(value: unknown): number | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  return Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;
}
