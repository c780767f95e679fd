import { CairnError } from "@cairnfs/base/errors";
import { isSecretName, REDACTED } from "@cairnfs/base/secret-name";

const CAUSES_MAX = 5;

/** An error as a log line shows it. */
export interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly reason?: string;
  /** Of a system error: ENOENT, ECONNREFUSED ... */
  readonly code?: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** Only of what nobody expected: bugs and foreign errors. */
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/** Everything a log needs of an error and its causes, without secrets; expected failures come without a stack. */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const isExpected = error instanceof CairnError && error.reason !== "internal";
  const code: unknown = "code" in error && !(error instanceof CairnError) ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(error instanceof CairnError ? { reason: error.reason } : {}),
    ...(error instanceof CairnError && Object.keys(error.details).length > 0
      ? { details: withoutSecrets(error.details) }
      : {}),
    ...(typeof code === "string" ? { code } : {}),
    ...(isExpected || error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth + 1 >= CAUSES_MAX
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The same fields, with the values of secrets covered. */
export function withoutSecrets<T>(fields: Readonly<Record<string, T>>): Record<string, T | string> {
  const shown: Record<string, T | string> = {};
  for (const [name, value] of Object.entries(fields)) {
    shown[name] = isSecretName(name) && value !== undefined ? REDACTED : value;
  }
  return shown;
}
