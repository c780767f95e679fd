import { allowOnly, optionalFlag, readDocument } from "../xml/fields.ts";

/** What of a bucket may not be made public, whatever its ACLs and policy say. */
export interface PublicAccessBlock {
  /** ACLs that grant to everybody are refused. */
  readonly blockPublicAcls: boolean;
  /** ACLs that grant to everybody grant nothing. */
  readonly ignorePublicAcls: boolean;
  /** Policies that grant to everybody are refused. */
  readonly blockPublicPolicy: boolean;
  /** A policy that grants to everybody grants to the owner's account only. */
  readonly restrictPublicBuckets: boolean;
}

/** Nothing is blocked. */
export const NO_BLOCK: PublicAccessBlock = {
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
};

/** What a `PublicAccessBlockConfiguration` document says; what it leaves out is not blocked. */
export function readPublicAccessBlock(document: string): PublicAccessBlock {
  const root = readDocument(document, "PublicAccessBlockConfiguration");
  allowOnly(
    root,
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
  );
  return {
    blockPublicAcls: optionalFlag(root, "BlockPublicAcls") ?? false,
    ignorePublicAcls: optionalFlag(root, "IgnorePublicAcls") ?? false,
    blockPublicPolicy: optionalFlag(root, "BlockPublicPolicy") ?? false,
    restrictPublicBuckets: optionalFlag(root, "RestrictPublicBuckets") ?? false,
  };
}

/** The elements inside `PublicAccessBlockConfiguration`. */
export function publicAccessBlockXml(block: PublicAccessBlock): string {
  return (
    `<BlockPublicAcls>${block.blockPublicAcls}</BlockPublicAcls>` +
    `<IgnorePublicAcls>${block.ignorePublicAcls}</IgnorePublicAcls>` +
    `<BlockPublicPolicy>${block.blockPublicPolicy}</BlockPublicPolicy>` +
    `<RestrictPublicBuckets>${block.restrictPublicBuckets}</RestrictPublicBuckets>`
  );
}
