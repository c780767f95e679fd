import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import {
  accessControlPolicy,
  arn,
  document,
  elements,
  policy,
  putPolicy,
} from "../support/documents.ts";

const BLOCK = "User guide: Blocking public access to your Amazon S3 storage";
const OWNERSHIP = "User guide: Controlling ownership of objects and disabling ACLs for your bucket";
const alt = { as: "alt" } as const;

type Switch =
  | "BlockPublicAcls"
  | "IgnorePublicAcls"
  | "BlockPublicPolicy"
  | "RestrictPublicBuckets";
const SWITCHES: readonly Switch[] = [
  "BlockPublicAcls",
  "IgnorePublicAcls",
  "BlockPublicPolicy",
  "RestrictPublicBuckets",
];

function block(bucket: string, ...on: readonly Switch[]): Step {
  const values = Object.fromEntries(SWITCHES.map((name) => [name, on.includes(name)]));
  return ask(`PUT ${bucket}?publicAccessBlock`, {
    body: document("PublicAccessBlockConfiguration", elements(values)),
  });
}

const blocks: readonly Row[] = [
  row(
    "A block is put, read and removed",
    "PutPublicAccessBlock, GetPublicAccessBlock, DeletePublicAccessBlock",
    ask("DELETE {b}?publicAccessBlock"),
    fails("GET {b}?publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration"),
    block("{b}", "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy"),
    see("GET {b}?publicAccessBlock", {
      xml: {
        BlockPublicAcls: "true",
        IgnorePublicAcls: "true",
        BlockPublicPolicy: "true",
        RestrictPublicBuckets: "false",
      },
    }),
    ask("DELETE {b}?publicAccessBlock"),
    fails("GET {b}?publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration"),
  ),
  row(
    "BlockPublicAcls keeps public ACLs from being set",
    `${BLOCK}: BlockPublicAcls`,
    block("{aw}", "BlockPublicAcls"),
    ...["public-read", "public-read-write", "authenticated-read"].flatMap((acl) => [
      denied("PUT {aw}?acl", { headers: { "x-amz-acl": acl } }),
      denied("PUT {aw}/foo", { headers: { "x-amz-acl": acl } }),
    ]),
    put("{aw}/foo", "x", { "x-amz-acl": "private" }),
    denied("PUT {aw}/foo?acl", { headers: { "x-amz-acl": "public-read" } }),
    ask("PUT {aw}/foo?acl", { body: accessControlPolicy([{ id: "{alt}", permission: "READ" }]) }),
  ),
  row(
    "IgnorePublicAcls makes nothing of those that are set",
    `${BLOCK}: IgnorePublicAcls`,
    put("{pr}/foo", "x", { "x-amz-acl": "public-read" }),
    ask("GET {pr}", alt),
    ask("GET {pr}/foo", alt),
    block("{pr}", "IgnorePublicAcls"),
    ask("PUT {pr}?acl", { headers: { "x-amz-acl": "public-read" } }),
    denied("GET {pr}", { ...alt, patienceMs: 3000 }),
    denied("GET {pr}/foo", alt),
    see("GET {pr}/foo", { body: "x" }),
  ),
  row(
    "BlockPublicPolicy keeps public policies from being set, others not",
    `${BLOCK}: BlockPublicPolicy`,
    block("{b}", "BlockPublicPolicy"),
    denied("PUT {b}?policy", { body: policy({ Action: "s3:GetObject", Resource: arn("{b}/*") }) }),
    putPolicy("{b}", {
      Principal: { AWS: "{alt}" },
      Action: "s3:GetObject",
      Resource: arn("{b}/*"),
    }),
  ),
  row(
    "RestrictPublicBuckets keeps strangers out whatever a public policy says",
    `${BLOCK}: RestrictPublicBuckets`,
    put("{b}/foo", "x"),
    putPolicy("{b}", { Action: "s3:GetObject", Resource: arn("{b}/*") }),
    ask("GET {b}/foo", { as: "anonymous" }),
    block("{b}", "RestrictPublicBuckets"),
    denied("GET {b}/foo", { as: "anonymous", patienceMs: 3000 }),
    see("GET {b}/foo", { body: "x" }),
  ),
  row(
    "What a policy refuses of the block it refuses the owner too",
    `${BLOCK}: s3:GetBucketPublicAccessBlock`,
    block("{b}", "BlockPublicAcls"),
    putPolicy("{b}", {
      Effect: "Deny",
      Action: "s3:GetBucketPublicAccessBlock",
      Resource: arn("{b}"),
    }),
    denied("GET {b}?publicAccessBlock", { patienceMs: 3000 }),
  ),
  row(
    "A block that is none is refused, and strangers set none",
    "PutPublicAccessBlock",
    fails("PUT {b}?publicAccessBlock", 400, "MalformedXML", {
      body: document("PublicAccessBlockConfiguration", elements({ BlockPublicAcls: "perhaps" })),
    }),
    fails("PUT {b}?publicAccessBlock", 400, ["MalformedXML", "MissingRequestBodyError"]),
    denied("PUT {b}?publicAccessBlock", {
      ...alt,
      body: document("PublicAccessBlockConfiguration", elements({ BlockPublicAcls: true })),
    }),
    denied("GET {b}?publicAccessBlock", alt),
  ),
];

function ownership(bucket: string, rule: string): Step {
  return ask(`PUT ${bucket}?ownershipControls`, { body: ownershipBody(rule) });
}

function ownershipBody(rule: string): string {
  return document("OwnershipControls", `<Rule>${elements({ ObjectOwnership: rule })}</Rule>`);
}

/** Everyone may do everything. */
function open(bucket: string): Step {
  return putPolicy(bucket, { Action: "*", Resource: [arn(bucket), arn(`${bucket}/*`)] });
}

/** The other user writes in each way; who owns what was written. */
function writes(bucket: string, headers: Record<string, string>, owner: string): Step[] {
  return [
    ask(`PUT ${bucket}/put`, { ...alt, body: "x", headers }),
    ask(`PUT ${bucket}/copy`, {
      ...alt,
      headers: { ...headers, "x-amz-copy-source": `${bucket}/put` },
    }),
    ...["put", "copy"].map((key) =>
      ask(`GET ${bucket}/${key}?acl`, alt, { xml: { "Owner/ID": owner } }),
    ),
    ask(`POST ${bucket}/upload?uploads`, { ...alt, headers }, { save: { upload: "xml UploadId" } }),
    ask(`GET ${bucket}/upload?uploadId={upload}`, alt, { xml: { "Owner/ID": owner } }),
  ];
}

const FULL = { "x-amz-acl": "bucket-owner-full-control" };

const owners: readonly Row[] = [
  row(
    "Ownership controls are put, read and removed",
    "PutBucketOwnershipControls, GetBucketOwnershipControls, DeleteBucketOwnershipControls",
    ...["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"].flatMap((rule) => [
      ownership("{b}", rule),
      see("GET {b}?ownershipControls", { xml: { "Rule/ObjectOwnership": rule } }),
    ]),
    ask("DELETE {b}?ownershipControls"),
    fails("GET {b}?ownershipControls", 404, "OwnershipControlsNotFoundError"),
    ask("DELETE {b}?ownershipControls"),
  ),
  row(
    "A bucket may be made with its rule",
    "CreateBucket: x-amz-object-ownership",
    ask("PUT {nob}", { headers: { "x-amz-object-ownership": "BucketOwnerPreferred" } }),
    see("GET {nob}?ownershipControls", { xml: { "Rule/ObjectOwnership": "BucketOwnerPreferred" } }),
    fails("PUT {nob2}", 400, "InvalidArgument", {
      headers: { "x-amz-object-ownership": "Nobody" },
    }),
    fails("PUT {nob2}", 400, "InvalidBucketAclWithObjectOwnership", {
      headers: { "x-amz-object-ownership": "BucketOwnerEnforced", "x-amz-acl": "public-read" },
    }),
  ),
  row(
    "A rule that is none is refused",
    "PutBucketOwnershipControls",
    fails("PUT {b}?ownershipControls", 400, "MalformedXML", { body: ownershipBody("Nobody") }),
    fails("PUT {b}?ownershipControls", 400, ["MalformedXML", "MissingRequestBodyError"]),
  ),
  row(
    "ObjectWriter: the writer owns",
    `${OWNERSHIP}: ObjectWriter`,
    ownership("{b}", "ObjectWriter"),
    open("{b}"),
    ...writes("{b}", {}, "{alt}"),
    ...writes("{b}", FULL, "{alt}"),
  ),
  row(
    "BucketOwnerPreferred: the bucket's owner owns what is given to it",
    `${OWNERSHIP}: BucketOwnerPreferred`,
    ownership("{b}", "BucketOwnerPreferred"),
    open("{b}"),
    ...writes("{b}", {}, "{alt}"),
    ...writes("{b}", { "x-amz-acl": "private" }, "{alt}"),
    ...writes("{b}", FULL, "{main}"),
  ),
  row(
    "BucketOwnerEnforced: the bucket's owner owns all, and there are no ACLs",
    `${OWNERSHIP}: BucketOwnerEnforced`,
    ownership("{b}", "BucketOwnerEnforced"),
    open("{b}"),
    ...writes("{b}", {}, "{main}"),
    ...writes("{b}", FULL, "{main}"),
    ...["PUT {b}/foo", "POST {b}/foo?uploads", "PUT {b}?acl", "PUT {b}/put?acl"].map((line) =>
      fails(line, 400, "AccessControlListNotSupported", {
        ...alt,
        headers: { "x-amz-acl": "private" },
      }),
    ),
    fails("PUT {b}/foo", 400, "AccessControlListNotSupported", {
      ...alt,
      headers: { "x-amz-acl": "private", "x-amz-copy-source": "{b}/put" },
    }),
  ),
  row(
    "BucketOwnerEnforced is refused while the ACL is public",
    `${OWNERSHIP}: InvalidBucketAclWithObjectOwnership`,
    fails("PUT {pr}?ownershipControls", 400, "InvalidBucketAclWithObjectOwnership", {
      body: ownershipBody("BucketOwnerEnforced"),
    }),
    ask("PUT {pr}?acl", { headers: { "x-amz-acl": "private" } }),
    ownership("{pr}", "BucketOwnerEnforced"),
  ),
];

export const publicAccess = area("public access and ownership", [...blocks, ...owners]);
