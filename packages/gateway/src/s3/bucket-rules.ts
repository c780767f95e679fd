import { isPublic } from "@cairnfs/access/is-public";
import { parsePolicy } from "@cairnfs/access/parse-policy";
import type { PolicyDocument } from "@cairnfs/access/policy-document";
import type { BucketDetails } from "@cairnfs/client";
import type { GatewayConfig } from "../config.ts";
import { type CorsRule, readCors } from "../documents/cors.ts";
import { type ObjectOwnership, readOwnership } from "../documents/ownership.ts";
import {
  NO_BLOCK,
  type PublicAccessBlock,
  readPublicAccessBlock,
} from "../documents/public-access-block.ts";
import { keptDocument, storedDocument } from "../documents/stored.ts";

/** What a bucket's documents mean for the requests to it. */
export interface BucketRules {
  /** `undefined`: none was chosen. */
  readonly ownership: ObjectOwnership | undefined;
  readonly block: PublicAccessBlock;
  readonly cors: readonly CorsRule[];
  readonly requesterPays: boolean;
  readonly policy: PolicyDocument | undefined;
  /** The policy allows something to everybody. */
  readonly isPolicyPublic: boolean;
}

/** Records are kept for a second and asked about by each request: they are read once. */
const READ = new WeakMap<BucketDetails, BucketRules>();

/** What the documents of this bucket say. */
export function bucketRules(bucket: BucketDetails): BucketRules {
  const known = READ.get(bucket);
  if (known !== undefined) return known;
  const rules = readRules(bucket);
  READ.set(bucket, rules);
  return rules;
}

function readRules(bucket: BucketDetails): BucketRules {
  const ownership = keptDocument(bucket, "ownership");
  const block = keptDocument(bucket, "publicAccessBlock");
  const policyText = keptDocument(bucket, "policy");
  const policy = policyText === undefined ? undefined : parsePolicy(policyText);
  const cors = keptDocument(bucket, "cors");
  return {
    ownership:
      ownership === undefined
        ? undefined
        : readOwnership(storedDocument("OwnershipControls", ownership)),
    block:
      block === undefined
        ? NO_BLOCK
        : readPublicAccessBlock(storedDocument("PublicAccessBlockConfiguration", block)),
    cors: cors === undefined ? [] : readCors(storedDocument("CORSConfiguration", cors)),
    policy,
    isPolicyPublic: policy !== undefined && isPublic(policy),
    requesterPays: keptDocument(bucket, "requestPayment")?.includes(">Requester<") === true,
  };
}

/** Who owns what is put into a bucket: as was chosen for it, or else as the gateway's configuration has it. */
export function ownershipOf(
  bucket: BucketDetails,
  { objectOwnership }: Pick<GatewayConfig, "objectOwnership">,
): ObjectOwnership {
  return bucketRules(bucket).ownership ?? objectOwnership;
}
