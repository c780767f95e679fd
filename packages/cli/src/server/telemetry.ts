import type { Clock } from "@cairnfs/base/clock";
import type { Telemetry } from "@cairnfs/base/telemetry";
import { createLogger } from "@cairnfs/observability/json-logger";
import { METRICS } from "@cairnfs/observability/metric-names";
import { PrometheusMetrics } from "@cairnfs/observability/metrics";
import { VERSION } from "../version.ts";
import type { ProcessSettings } from "./process-settings.ts";

/** Logs and metrics of a server process. */
export interface ProcessTelemetry extends Telemetry {
  readonly metrics: PrometheusMetrics;
}

/** Logs go to stderr; metrics wait to be asked for. */
export function openTelemetry(
  settings: ProcessSettings & { readonly role: string },
  clock: Clock,
): ProcessTelemetry {
  const { logFormat, logLevel, role } = settings;
  const isPretty = logFormat === "pretty" || (logFormat === "auto" && process.stderr.isTTY);
  const metrics = new PrometheusMetrics();
  metrics.addProcessMetrics();
  const { help, labels } = METRICS.cairn_build_info;
  metrics.gauge("cairn_build_info", help, labels).set(1, { version: VERSION, role });
  return {
    logger: createLogger({
      clock,
      level: logLevel,
      format: isPretty ? "pretty" : "json",
      fields: { role },
    }),
    metrics,
  };
}
