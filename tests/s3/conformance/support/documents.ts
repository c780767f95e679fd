import { type AskStep, ask, type Want } from "./case.ts";

/** Documents that requests carry, and the steps that set them. */

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

export function document(root: string, content: string): string {
  return `<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
}

/** `<name>text</name>` of each. */
export function elements(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([name, text]) => `<${name}>${text}</${name}>`)
    .join("");
}

export function versioning(bucket: string, status: "Enabled" | "Suspended"): AskStep {
  return ask(`PUT ${bucket}?versioning`, {
    body: document("VersioningConfiguration", elements({ Status: status })),
  });
}

export interface Statement {
  readonly Effect?: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly [element: string]: unknown;
}

/** An IAM document; statements allow everyone unless they say otherwise. */
export function policy(...statements: readonly Statement[]): string {
  const full = statements.map((statement) => ({
    Effect: "Allow",
    ...("NotPrincipal" in statement ? {} : { Principal: { AWS: "*" } }),
    ...statement,
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement: full });
}

export function putPolicy(bucket: string, ...statements: readonly Statement[]): AskStep {
  return ask(`PUT ${bucket}?policy`, { body: policy(...statements) }, { status: 204 });
}

export function arn(path: string): string {
  return `arn:aws:s3:::${path}`;
}

export function tagging(tags: Readonly<Record<string, string>>): string {
  const set = Object.entries(tags).map(
    ([key, value]) => `<Tag>${elements({ Key: key, Value: value })}</Tag>`,
  );
  return document("Tagging", `<TagSet>${set.join("")}</TagSet>`);
}

export const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";
export const AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

export interface Grant {
  readonly id?: string;
  readonly uri?: string;
  readonly email?: string;
  readonly permission: string;
}

export function accessControlPolicy(grants: readonly Grant[], owner = "{main}"): string {
  const each = grants.map(
    (grant) => `<Grant>${grantee(grant)}${elements({ Permission: grant.permission })}</Grant>`,
  );
  return document(
    "AccessControlPolicy",
    `<Owner><ID>${owner}</ID></Owner><AccessControlList>${each.join("")}</AccessControlList>`,
  );
}

function grantee(grant: Grant): string {
  const [type, content] =
    grant.uri !== undefined
      ? ["Group", elements({ URI: grant.uri })]
      : grant.email !== undefined
        ? ["AmazonCustomerByEmail", elements({ EmailAddress: grant.email })]
        : ["CanonicalUser", elements({ ID: grant.id ?? "" })];
  return `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${content}</Grantee>`;
}

export interface PartGiven {
  readonly number: number;
  readonly etag: string;
  readonly more?: Readonly<Record<string, string>>;
}

export function complete(...parts: readonly PartGiven[]): string {
  const each = parts.map(
    (part) =>
      `<Part>${elements({ PartNumber: part.number, ETag: part.etag, ...part.more })}</Part>`,
  );
  return document("CompleteMultipartUpload", each.join(""));
}

/** Starts an upload and saves its id, under "upload" unless named. */
export function start(
  path: string,
  headers: Record<string, string> = {},
  save = "upload",
): AskStep {
  return ask(
    `POST ${path}?uploads`,
    { headers },
    { status: 200, save: { [save]: "xml UploadId" } },
  );
}

/** Sends a part and saves its ETag under "etag" and its number. */
export function part(
  path: string,
  number: number,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  upload = "upload",
): AskStep {
  return ask(
    `PUT ${path}?partNumber=${number}&uploadId={${upload}}`,
    { body, headers },
    { status: 200, save: { [`etag${number}`]: "header etag" } },
  );
}

/** Completes the upload from parts that were sent in this order. */
export function finish(
  path: string,
  numbers: readonly number[],
  headers: Record<string, string> = {},
  want: Want = { status: 200 },
): AskStep {
  const parts = numbers.map((number) => ({ number, etag: `{etag${number}}` }));
  return ask(`POST ${path}?uploadId={upload}`, { body: complete(...parts), headers }, want);
}

export function deleteObjects(
  objects: readonly Readonly<Record<string, string>>[],
  isQuiet = false,
): string {
  const each = objects.map((object) => `<Object>${elements(object)}</Object>`).join("");
  return document("Delete", `${isQuiet ? "<Quiet>true</Quiet>" : ""}${each}`);
}
