/** What a log line or a metric may carry besides its text. Never a secret, never file bytes. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One line for what happened. Messages are lower case, without a full stop; facts go in the fields. */
export interface Logger {
  /** Debug lines go nowhere: whoever has many of them need not gather their fields. */
  readonly dropsDebug?: boolean | undefined;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields & { readonly error?: never }, error?: unknown): void;
  error(message: string, fields?: Fields & { readonly error?: never }, error?: unknown): void;
  /** A logger that adds these fields to every line. */
  with(fields: Fields): Logger;
}

export interface Counter {
  add(amount: number, labels?: Readonly<Record<string, string>>): void;
}

export interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Durations are in seconds, as Prometheus wants them. */
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Where metrics come from. Asking twice for a name gives the same metric. */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  histogram(name: string, help: string, labelNames?: readonly string[]): Histogram;
  /** A gauge that is asked for its value at each scrape. */
  observed(name: string, help: string, read: () => number): void;
}

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export const silentLogger: Logger = {
  dropsDebug: true,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
};

export const silentMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
  observed: () => undefined,
};

export const silentTelemetry: Telemetry = { logger: silentLogger, metrics: silentMetrics };
