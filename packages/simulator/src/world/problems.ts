import { AssertionFailure } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import { type Fields, type Logger, silentMetrics, type Telemetry } from "@cairnfs/base/telemetry";
import type { SimProcess } from "../process/sim-process.ts";

const ANOTHER_NODE = /the replica's result is not for the chunk it was sent/u;

/** What went wrong in a world, each said once, and what its processes said if somebody listens. */
export class Problems {
  readonly found: string[] = [];
  /** Hears every line of every log. */
  onLine: ((line: string) => void) | undefined;

  add(problem: string): void {
    if (!this.found.includes(problem)) this.found.push(problem);
  }

  /** Notes an error that is a bug wherever it turns up. */
  inspect(where: string, error: unknown): void {
    // A node that lost its disk answers with another number where it was: to who asks it is no longer whom he means.
    if (error instanceof CairnError && ANOTHER_NODE.test(error.message)) return;
    if (isBug(error)) this.add(`${where}: ${describe(error)}`);
  }

  telemetryOf(process: SimProcess): Telemetry {
    return { logger: new WatchedLogger(this, process, {}), metrics: silentMetrics };
  }
}

/** What went wrong, in words, with where a bug comes from. */
export function describe(error: unknown): string {
  if (error instanceof CairnError) {
    const cause = error.cause === undefined ? "" : `, because ${describe(error.cause)}`;
    return `${error.reason}: ${error.message}${cause}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function isBug(error: unknown): boolean {
  if (error instanceof AssertionFailure) return true;
  if (error instanceof CairnError) {
    const isOurs = error.reason === "internal" || error.reason === "protocolViolation";
    return isOurs || isBug(error.cause);
  }
  return (
    error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
  );
}

class WatchedLogger implements Logger {
  readonly dropsDebug = true;
  readonly #problems: Problems;
  readonly #process: SimProcess;
  readonly #fields: Fields;

  constructor(problems: Problems, process: SimProcess, fields: Fields) {
    this.#problems = problems;
    this.#process = process;
    this.#fields = fields;
  }

  debug(): void {}

  info(message: string, fields?: Fields): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields?: Fields, error?: unknown): void {
    this.#line("warn", message, fields, error);
    if (this.#process.isAlive) this.#problems.inspect(`${this.#process.host}, ${message}`, error);
  }

  error(message: string, fields?: Fields, error?: unknown): void {
    this.#line("error", message, fields, error);
    if (!this.#process.isAlive) return;
    this.#problems.inspect(`${this.#process.host}, ${message}`, error);
  }

  with(fields: Fields): Logger {
    return new WatchedLogger(this.#problems, this.#process, { ...this.#fields, ...fields });
  }

  #line(level: string, message: string, fields: Fields = {}, error?: unknown): void {
    const { onLine } = this.#problems;
    if (onLine === undefined || !this.#process.isAlive) return;
    const all = Object.entries({ ...this.#fields, ...fields })
      .map(([name, value]) => `${name}=${value}`)
      .join(" ");
    const why = error === undefined ? "" : ` (${describe(error)})`;
    onLine(`${this.#process.host} ${level}: ${message} ${all}${why}`);
  }
}
