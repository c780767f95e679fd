import { stripVTControlCharacters, styleText } from "node:util";

const STYLES = {
  debug: ["gray", "DEBUG"],
  info: ["green", "INFO "],
  warn: ["yellow", "WARN "],
  error: ["red", "ERROR"],
} as const;

/** Turns JSON log lines into lines for people: time, level, message, fields; an error below. */
export class PrettyLines {
  readonly #sink: { write(line: string): void };

  constructor(sink: { write(line: string): void }) {
    this.#sink = sink;
  }

  write(line: string): void {
    this.#sink.write(prettyLine(line));
  }
}

/** One JSON log line as a person reads it. */
export function prettyLine(line: string): string {
  const { time, level, message, error, ...fields }: Record<string, unknown> = JSON.parse(line);
  const [color, label] =
    STYLES[typeof level === "string" && level in STYLES ? (level as keyof typeof STYLES) : "info"];
  const facts = Object.entries(fields).map(
    ([name, value]) => `${styleText("gray", `${name}=`)}${plainValue(value)}`,
  );
  const head = [
    styleText("gray", String(time).slice(11, 23)),
    styleText(color, label),
    oneLine(String(message)),
    ...facts,
  ].join(" ");
  return `${head}\n${error === undefined ? "" : errorLines(error)}`;
}

function plainValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"]+$/u.test(text) ? oneLine(text) : JSON.stringify(text);
}

/** What comes from outside must not steer the terminal. */
function oneLine(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}/gu, " ");
}

function errorLines(error: unknown): string {
  if (typeof error !== "object" || error === null) return `    ${oneLine(String(error))}\n`;
  const { reason, type, message, stack, cause }: Record<string, unknown> = { ...error };
  const head =
    typeof stack === "string"
      ? stack.split("\n").map(oneLine).join("\n    ")
      : `${oneLine(String(reason ?? type))}: ${oneLine(String(message))}`;
  return `    ${head}\n${cause === undefined ? "" : `    because\n${errorLines(cause)}`}`;
}
