import type { Credentials } from "./sign.ts";

/** The server that the rows are held against. */
export interface Target {
  readonly endpoint: URL;
  readonly region: string;
  readonly main: TargetUser;
  readonly alt: TargetUser;
}

export interface TargetUser extends Credentials {
  /** Known to the server; rows about grants by e-mail need it. */
  readonly email: string;
}

/**
 * A server of elsewhere, if the environment names one: CONFORMANCE_S3_ENDPOINT with CONFORMANCE_S3_ACCESS_KEY and
 * CONFORMANCE_S3_SECRET_KEY, CONFORMANCE_S3_ALT_ACCESS_KEY and CONFORMANCE_S3_ALT_SECRET_KEY for a second user without any
 * rights of its own, CONFORMANCE_S3_ALT_EMAIL and CONFORMANCE_S3_REGION. Lifecycle rules are waited for only where
 * CONFORMANCE_S3_SHORT_DAYS says that its days are short.
 */
export function targetOfEnvironment(env: NodeJS.ProcessEnv): Target | undefined {
  const endpoint = env.CONFORMANCE_S3_ENDPOINT;
  if (endpoint === undefined) return undefined;
  const of = (name: string) => env[`CONFORMANCE_S3_${name}`] ?? "";
  return {
    endpoint: new URL(endpoint),
    region: of("REGION") || "us-east-1",
    main: { accessKeyId: of("ACCESS_KEY"), secretKey: of("SECRET_KEY"), email: of("EMAIL") },
    alt: {
      accessKeyId: of("ALT_ACCESS_KEY"),
      secretKey: of("ALT_SECRET_KEY"),
      email: of("ALT_EMAIL"),
    },
  };
}
