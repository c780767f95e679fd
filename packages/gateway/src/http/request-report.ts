import type { Telemetry } from "@cairnfs/base/telemetry";

/** A request that was answered, or whose client was gone before. */
export interface AnsweredRequest {
  /** As AWS calls it; "none" when the request asked for nothing that S3 knows. */
  readonly operation: string;
  /** Of HTTP; 0 when the reply was not sent to its end. */
  readonly status: number;
  readonly durationMs: number;
  readonly requestId: string;
  readonly sourceAddress: string;
}

export type RequestReport = (request: AnsweredRequest) => void;

/** Counts and times every request that a gateway answers, and logs it at debug. `underway` is asked at each scrape. */
export function requestReport(
  { metrics, logger }: Telemetry,
  underway: () => number,
): RequestReport {
  const counter = metrics.counter(
    "cairn_s3_requests_total",
    "S3 requests answered, by operation and HTTP status; 0: the client was gone.",
    ["operation", "status"],
  );
  const histogram = metrics.histogram(
    "cairn_s3_request_seconds",
    "How long answering S3 requests took, bodies included.",
    ["operation"],
  );
  metrics.observed("cairn_s3_requests_underway", "S3 requests that are being answered.", underway);
  return ({ operation, status, durationMs, requestId, sourceAddress }) => {
    counter.add(1, { operation, status: String(status) });
    histogram.observe(durationMs / 1000, { operation });
    if (logger.dropsDebug === true) return;
    logger.debug("request answered", { operation, status, durationMs, requestId, sourceAddress });
  };
}
