import { type AskStep, ask } from "./case.ts";
import { versioning } from "./documents.ts";

/** The buckets that rows may name, and how each is made before the row begins. */
export const BUCKETS: Readonly<Record<string, readonly AskStep[]>> = {
  b: [ask("PUT {b}")],
  b2: [ask("PUT {b2}")],
  b3: [ask("PUT {b3}")],
  /** With versioning. */
  vb: [ask("PUT {vb}"), versioning("{vb}", "Enabled")],
  vb2: [ask("PUT {vb2}"), versioning("{vb2}", "Enabled")],
  /** With object lock. */
  lb: [ask("PUT {lb}", { headers: { "x-amz-bucket-object-lock-enabled": "true" } })],
  /** Anyone may list it. */
  pr: [withAcl("{pr}", "public-read")],
  /** Anyone may list it and write into it. */
  rw: [withAcl("{rw}", "public-read-write")],
  /** With ACLs, private. */
  aw: [withAcl("{aw}", "private")],
  /** Of the other user. */
  ab: [ask("PUT {ab}", { as: "alt" })],
  /** Names without a bucket. */
  nob: [],
  nob2: [],
};

/** Where ACLs are off unless asked for, they are asked for. */
function withAcl(bucket: string, acl: string): AskStep {
  return ask(`PUT ${bucket}`, {
    headers: { "x-amz-acl": acl, "x-amz-object-ownership": "ObjectWriter" },
  });
}
