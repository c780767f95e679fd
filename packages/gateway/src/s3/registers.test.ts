import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CHECKSUM_ALGORITHMS } from "../checksums/digests.ts";
import { S3_ERRORS } from "./errors.ts";
import { REQUEST_HEADERS } from "./header-register.ts";
import { OPERATION_NOTES, REFUSED_OPERATIONS } from "./operation-register.ts";
import { OPERATIONS } from "./operations.ts";

const PAGE = new URL("../../../../docs/reference/s3.md", import.meta.url);
const SOURCES = new URL("../", import.meta.url);
/** Names of headers of replies, fields of forms, and parameters of queries. */
const NO_REQUEST_HEADERS: ReadonlySet<string> = new Set([
  "x-amz-abort-date",
  "x-amz-abort-rule-id",
  "x-amz-access-point-alias",
  "x-amz-algorithm",
  "x-amz-bucket-arn",
  "x-amz-bucket-region",
  "x-amz-copy-source-version-id",
  "x-amz-credential",
  "x-amz-delete-marker",
  "x-amz-expiration",
  "x-amz-expires",
  "x-amz-id-2",
  "x-amz-missing-meta",
  "x-amz-mp-parts-count",
  "x-amz-object-size",
  "x-amz-request-id",
  "x-amz-signature",
  "x-amz-signedheaders",
  "x-amz-tagging-count",
  "x-amz-trailer-signature",
  "x-amz-version-id",
]);

/** The gateway's own source, without its registers and tables of errors. */
function sourceText(): string {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !/\.test\.ts$|testing|register|errors\.ts$/u.test(file),
  );
  return files.map((file) => readFileSync(join(SOURCES.pathname, file), "utf8")).join("\n");
}

/** The header names that stand in the gateway's own source, and those that are made of a checksum's name. */
function namesInSource(): ReadonlySet<string> {
  const names = [...sourceText().matchAll(/["'`](x-amz-[a-z0-9-]+)/gu)].map(
    ([, name = ""]) => name,
  );
  return new Set([...names, ...CHECKSUM_ALGORITHMS.map((name) => `x-amz-checksum-${name}`)]);
}

test("no error is in the table that no request is answered with", () => {
  const text = sourceText();
  const unused = Object.keys(S3_ERRORS).filter((code) => !text.includes(`"${code}"`));
  expect(unused).toEqual([]);
});

test("every operation of the table is on the page, and none is said to be refused as well", () => {
  const page = readFileSync(PAGE, "utf8");
  for (const { name } of OPERATIONS) {
    expect(page, name).toContain(`| ${name} | supported |`);
    expect(REFUSED_OPERATIONS[name]).toBeUndefined();
  }
  for (const name of Object.keys(REFUSED_OPERATIONS)) {
    expect(page, name).toContain(`| ${name} | refused |`);
  }
  const known = new Set(OPERATIONS.map(({ name }) => name));
  for (const name of Object.keys(OPERATION_NOTES)) expect(known, name).toContain(name);
});

test("every header that the gateway looks at is on the page", () => {
  const isRegistered = (name: string) =>
    REQUEST_HEADERS.some(({ name: row }) =>
      row.endsWith("*") ? name.startsWith(row.slice(0, -1)) : row === name,
    );
  const missing = [...namesInSource()].filter(
    (name) => !name.endsWith("-") && !NO_REQUEST_HEADERS.has(name) && !isRegistered(name),
  );
  expect(missing).toEqual([]);
  const page = readFileSync(PAGE, "utf8");
  for (const { name, state } of REQUEST_HEADERS)
    expect(page).toContain(`| \`${name}\` | ${state} |`);
});
