import type { Clock } from "@cairnfs/base/clock";
import type { Fields, Logger } from "@cairnfs/base/telemetry";
import { type DestinationStream, destination, type Logger as PinoLogger, pino } from "pino";
import { describeError, withoutSecrets } from "./describe-error.ts";
import type { LogLevel } from "./log-levels.ts";
import { PrettyLines } from "./pretty-lines.ts";
import { REPEAT_LIMITS, RepeatLimit, type RepeatLimits } from "./repeat-limit.ts";

export interface LoggerOptions {
  readonly clock: Clock;
  readonly level?: LogLevel;
  /** `json` writes one object a line; `pretty` writes lines for people. */
  readonly format?: "json" | "pretty";
  /** Where lines go; stderr unless given. */
  readonly sink?: { write(line: string): void };
  /** On every line. */
  readonly fields?: Fields;
  readonly repeatLimits?: RepeatLimits;
}

type Level = Exclude<LogLevel, "silent">;

/**
 * A logger that writes one line for each call at or above `level`, at once: a line that was logged is out before
 * the call returns. Values of secrets are covered, and a text that repeats above the limit is counted
 * instead of written. Debug lines are never held back.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { clock } = options;
  const writer = pino(
    {
      level: options.level ?? "info",
      // Neither process id nor host name on every line.
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sinkFor(options),
  );
  const limit = new RepeatLimit(
    clock,
    (text, suppressed) => writer.warn({ suppressed }, `repeated: ${text}`),
    options.repeatLimits ?? REPEAT_LIMITS,
  );
  return new JsonLogger(writer.child(withoutSecrets(options.fields ?? {})), limit);
}

function sinkFor(options: LoggerOptions): DestinationStream {
  const sink = options.sink ?? destination({ fd: 2, sync: true });
  return options.format === "pretty" ? new PrettyLines(sink) : sink;
}

class JsonLogger implements Logger {
  readonly #writer: PinoLogger;
  readonly #limit: RepeatLimit;

  constructor(writer: PinoLogger, limit: RepeatLimit) {
    this.#writer = writer;
    this.#limit = limit;
  }

  get dropsDebug(): boolean {
    return !this.#writer.isLevelEnabled("debug");
  }

  debug(message: string, fields?: Fields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Fields, error?: unknown): void {
    this.#write("warn", message, fields, error);
  }

  error(message: string, fields?: Fields, error?: unknown): void {
    this.#write("error", message, fields, error);
  }

  with(fields: Fields): Logger {
    return new JsonLogger(this.#writer.child(withoutSecrets(fields)), this.#limit);
  }

  #write(level: Level, message: string, fields: Fields = {}, error?: unknown): void {
    if (!this.#writer.isLevelEnabled(level)) return;
    if (level !== "debug" && !this.#limit.admits(message)) return;
    const shown = withoutSecrets<unknown>(fields);
    if (error !== undefined) shown.error = describeError(error);
    this.#writer[level](shown, message);
  }
}
