import { S3Error } from "../s3/errors.ts";
import { allowOnly, malformed, readDocument, requiredWord } from "../xml/fields.ts";
import { childrenOf } from "../xml/read.ts";

/**
 * Who owns what others put into a bucket, and whether ACLs say anything: `BucketOwnerEnforced` (they do not),
 * `BucketOwnerPreferred` (the bucket's owner, if the writer grants full control), `ObjectWriter` (the writer).
 */
export type ObjectOwnership = (typeof OWNERSHIPS)[number];

const OWNERSHIPS = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"] as const;

/** What an `OwnershipControls` document says. */
export function readOwnership(document: string): ObjectOwnership {
  const root = readDocument(document, "OwnershipControls");
  allowOnly(root, "Rule");
  const [rule, ...more] = childrenOf(root, "Rule");
  if (rule === undefined || more.length > 0) throw malformed();
  allowOnly(rule, "ObjectOwnership");
  return requiredWord(rule, "ObjectOwnership", OWNERSHIPS);
}

/** The value of the header `x-amz-object-ownership`. */
export function ownershipFromHeader(value: string): ObjectOwnership {
  const ownership = OWNERSHIPS.find((candidate) => candidate === value);
  if (ownership === undefined) {
    throw new S3Error("InvalidArgument", {
      message: `Invalid x-amz-object-ownership header: ${value}`,
    });
  }
  return ownership;
}

/** The element inside `OwnershipControls`. */
export function ownershipXml(ownership: ObjectOwnership): string {
  return `<Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule>`;
}
