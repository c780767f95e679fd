import { S3Error } from "../s3/errors.ts";
import {
  allowOnly,
  malformed,
  optionalInteger,
  optionalText,
  readDocument,
  textOf,
} from "../xml/fields.ts";
import { childrenOf, type XmlElement } from "../xml/read.ts";

/** Which origins may call with which methods and headers, and what they may read of the answer. */
export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** Lower case. */
  readonly headers: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds: number | undefined;
}

/** The methods that rules may allow. */
export const CORS_METHODS: readonly string[] = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const MAX_RULES = 100;
const MAX_ID_LENGTH = 255;

/** The rules of a `CORSConfiguration` document. */
export function readCors(document: string): readonly CorsRule[] {
  const root = readDocument(document, "CORSConfiguration");
  allowOnly(root, "CORSRule");
  if (root.children.length === 0 || root.children.length > MAX_RULES) throw malformed();
  return root.children.map(readRule);
}

function readRule(rule: XmlElement): CorsRule {
  allowOnly(
    rule,
    "ID",
    "AllowedMethod",
    "AllowedOrigin",
    "AllowedHeader",
    "ExposeHeader",
    "MaxAgeSeconds",
  );
  if ((optionalText(rule, "ID") ?? "").length > MAX_ID_LENGTH) throw malformed();
  const texts = (name: string) => childrenOf(rule, name).map((child) => textOf(child).trim());
  const methods = texts("AllowedMethod");
  const origins = texts("AllowedOrigin");
  const headers = texts("AllowedHeader");
  const exposedHeaders = texts("ExposeHeader");
  if (methods.length === 0 || origins.length === 0) throw malformed();
  for (const method of methods) {
    if (!CORS_METHODS.includes(method)) {
      throw invalid(
        `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
      );
    }
  }
  for (const origin of origins) requireOneStar(origin, "AllowedOrigin");
  for (const header of headers) {
    requireOneStar(header, "AllowedHeader");
    requireToken(header, "AllowedHeader");
  }
  for (const header of exposedHeaders) {
    if (header.includes("*")) {
      throw invalid(
        `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
      );
    }
    requireToken(header, "ExposeHeader");
  }
  const maxAgeSeconds = optionalInteger(rule, "MaxAgeSeconds");
  if (maxAgeSeconds !== undefined && Math.abs(maxAgeSeconds) > 0x7fffffff) {
    throw malformed();
  }
  return {
    origins,
    methods,
    headers: headers.map((header) => header.toLowerCase()),
    exposedHeaders,
    maxAgeSeconds,
  };
}

function requireOneStar(pattern: string, element: string): void {
  if (pattern.split("*").length > 2) {
    throw invalid(`${element} "${pattern}" can not have more than one wildcard.`);
  }
}

/** Whether this can be a header's name, or a pattern of one. */
export function isHeaderName(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/u.test(text);
}

function requireToken(header: string, element: string): void {
  if (!isHeaderName(header)) {
    throw invalid(`${element} "${header}" contains invalid character.`);
  }
}

function invalid(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}

/** What a request from another origin asks: of a preflight, what the real request will be. */
export interface CorsQuestion {
  readonly origin: string;
  readonly method: string;
  /** Names that a preflight announces. */
  readonly headers: readonly string[];
}

/** The headers that let the browser's page read the answer; `undefined` when no rule allows it. */
export function corsHeaders(
  rules: readonly CorsRule[],
  question: CorsQuestion,
): Readonly<Record<string, string>> | undefined {
  const rule = rules.find((candidate) => allows(candidate, question));
  if (rule === undefined) return undefined;
  const isAnyOrigin = rule.origins.includes("*");
  return {
    "access-control-allow-origin": isAnyOrigin ? "*" : question.origin,
    ...(!isAnyOrigin && { "access-control-allow-credentials": "true" }),
    "access-control-allow-methods": rule.methods.join(", "),
    ...(question.headers.length > 0 && {
      "access-control-allow-headers": question.headers.map((name) => name.toLowerCase()).join(", "),
    }),
    ...(rule.exposedHeaders.length > 0 && {
      "access-control-expose-headers": rule.exposedHeaders.join(", "),
    }),
    ...(rule.maxAgeSeconds !== undefined && {
      "access-control-max-age": String(rule.maxAgeSeconds),
    }),
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
}

function allows(rule: CorsRule, { origin, method, headers }: CorsQuestion): boolean {
  return (
    rule.methods.includes(method) &&
    rule.origins.some((pattern) => matches(pattern, origin)) &&
    headers.every((name) =>
      rule.headers.some((pattern) => matches(pattern, name.trim().toLowerCase())),
    )
  );
}

/** A pattern has one "*" at most, which stands for any characters. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === text;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return (
    text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
  );
}
