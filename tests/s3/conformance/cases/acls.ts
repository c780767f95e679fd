import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import {
  ALL_USERS,
  AUTHENTICATED_USERS,
  accessControlPolicy,
  type Grant,
  tagging,
} from "../support/documents.ts";

const GUIDE = "User guide: Access control list (ACL) overview";
const CANNED = `${GUIDE}: Canned ACL`;
const GRANT = "AccessControlList/Grant";

/** The ACL of a bucket or an object is just these grants, in this order. */
function isGranted(path: string, ...grants: readonly Grant[]): Step {
  return see(`GET ${path}?acl`, {
    xml: {
      "Owner/ID": 1,
      [`${GRANT}/Permission`]: grants.map(({ permission }) => permission),
      [`${GRANT}/Grantee/ID`]: grants.flatMap(({ id }) => (id === undefined ? [] : [id])),
      [`${GRANT}/Grantee/URI`]: grants.flatMap(({ uri }) => (uri === undefined ? [] : [uri])),
    },
  });
}

const OWNER: Grant = { id: "{main}", permission: "FULL_CONTROL" };

/** What each canned ACL grants beside all to the owner. */
const CANNED_GRANTS: readonly (readonly [string, readonly Grant[]])[] = [
  ["private", []],
  ["public-read", [{ uri: ALL_USERS, permission: "READ" }]],
  [
    "public-read-write",
    [
      { uri: ALL_USERS, permission: "READ" },
      { uri: ALL_USERS, permission: "WRITE" },
    ],
  ],
  ["authenticated-read", [{ uri: AUTHENTICATED_USERS, permission: "READ" }]],
];

const canned: readonly Row[] = CANNED_GRANTS.flatMap(([name, grants]) => [
  row(
    `A bucket's ACL may be ${name}, from the beginning or later`,
    CANNED,
    ask("PUT {nob}", {
      headers: { "x-amz-acl": name, "x-amz-object-ownership": "ObjectWriter" },
    }),
    isGranted("{nob}", ...grants, OWNER),
    ask("PUT {aw}?acl", { headers: { "x-amz-acl": name } }),
    isGranted("{aw}", ...grants, OWNER),
    ask("PUT {aw}?acl", { headers: { "x-amz-acl": "private" } }),
    isGranted("{aw}", OWNER),
  ),
  row(
    `An object's ACL may be ${name}, from the beginning or later`,
    CANNED,
    put("{aw}/foo", "bar", { "x-amz-acl": name }),
    isGranted("{aw}/foo", ...grants, OWNER),
    put("{aw}/foo", "bar"),
    isGranted("{aw}/foo", OWNER),
    ask("PUT {aw}/foo?acl", { headers: { "x-amz-acl": name } }),
    isGranted("{aw}/foo", ...grants, OWNER),
  ),
]);

const ALT_OWNER: Grant = { id: "{alt}", permission: "FULL_CONTROL" };

const owners: readonly Row[] = [
  row(
    "An ACL names the owner, and a user by id, name and type",
    "GetBucketAcl, GetObjectAcl",
    put("{b}/foo", "bar"),
    ...["{b}", "{b}/foo"].map((path) =>
      see(`GET ${path}?acl`, {
        xml: {
          "Owner/ID": "{main}",
          "Owner/DisplayName": "{mainName}",
          [`${GRANT}/Grantee/ID`]: "{main}",
          [`${GRANT}/Grantee/DisplayName`]: "{mainName}",
          [`${GRANT}/Permission`]: "FULL_CONTROL",
        },
      }),
    ),
    see("GET {b}?acl", { body: /xsi:type="CanonicalUser"/u }),
    see("GET {pr}?acl", { body: /xsi:type="Group"/u }),
  ),
  row(
    "bucket-owner-read and bucket-owner-full-control name the bucket's owner",
    CANNED,
    ask("PUT {rw}/foo", { as: "alt", headers: { "x-amz-acl": "bucket-owner-read" } }),
    ask(
      "GET {rw}/foo?acl",
      { as: "alt" },
      {
        xml: {
          [`${GRANT}/Grantee/ID`]: ["{alt}", "{main}"],
          [`${GRANT}/Permission`]: ["FULL_CONTROL", "READ"],
        },
      },
    ),
    ask("PUT {rw}/foo", { as: "alt", headers: { "x-amz-acl": "bucket-owner-full-control" } }),
    ask(
      "GET {rw}/foo?acl",
      { as: "alt" },
      {
        xml: {
          "Owner/ID": "{alt}",
          [`${GRANT}/Grantee/ID`]: ["{alt}", "{main}"],
          [`${GRANT}/Permission`]: ["FULL_CONTROL", "FULL_CONTROL"],
        },
      },
    ),
  ),
  row(
    "What a user writes into another's bucket is the writer's",
    "User guide: Controlling ownership of objects: ObjectWriter",
    ask("PUT {rw}/foo", { as: "alt", body: "bar" }),
    denied("GET {rw}/foo?acl"),
    denied("GET {rw}/foo"),
    ask("GET {rw}/foo", { as: "alt" }, { body: "bar" }),
    ask("DELETE {rw}/foo"),
  ),
  row(
    "Whoever may not write the ACL of an object changes neither it nor the tags",
    GUIDE,
    put("{rw}/foo", "bar"),
    denied("PUT {rw}/foo?acl", { as: "alt", headers: { "x-amz-acl": "public-read" } }),
    denied("PUT {rw}/foo?tagging", { as: "alt", body: tagging({ a: "b" }) }),
    denied("DELETE {rw}/foo?tagging", { as: "alt" }),
    denied("GET {rw}/foo", { as: "alt" }),
  ),
  row(
    "Whoever has all permissions may change the ACL, but not the owner",
    GUIDE,
    put("{aw}/foo", "bar"),
    ask("PUT {aw}/foo?acl", { body: accessControlPolicy([ALT_OWNER]) }),
    ask("PUT {aw}/foo?acl", {
      as: "alt",
      body: accessControlPolicy([{ id: "{alt}", permission: "READ_ACP" }]),
    }),
    ask("GET {aw}/foo?acl", { as: "alt" }, { xml: { "Owner/ID": "{main}" } }),
    fails("PUT {aw}/foo?acl", [403, 400], undefined, {
      body: accessControlPolicy([OWNER], "{alt}"),
    }),
  ),
  row(
    "An ACL leaves the object as it was",
    "PutObjectAcl",
    put("{aw}/foo", "bar", { "content-type": "text/bla" }),
    see("HEAD {aw}/foo", { save: { etag: "header etag", modified: "header last-modified" } }),
    ask("PUT {aw}/foo?acl", { body: accessControlPolicy([ALT_OWNER, OWNER]) }),
    see("HEAD {aw}/foo", {
      headers: { etag: "{etag}", "content-type": "text/bla", "last-modified": "{modified}" },
    }),
  ),
];

/** What of a bucket the holder of each permission may do. */
const POWERS: readonly (readonly [string, readonly string[]])[] = [
  ["READ", ["list"]],
  ["WRITE", ["put"]],
  ["READ_ACP", ["get acl"]],
  ["WRITE_ACP", ["put acl"]],
  ["FULL_CONTROL", ["list", "put", "get acl", "put acl"]],
];

const REQUESTS: readonly (readonly [string, (bucket: string) => Step, (bucket: string) => Step])[] =
  [
    [
      "list",
      (bucket) => ask(`GET ${bucket}`, { as: "alt" }),
      (bucket) => denied(`GET ${bucket}`, { as: "alt" }),
    ],
    [
      "put",
      (bucket) => ask(`PUT ${bucket}/foo-write`, { as: "alt", body: "bar" }),
      (bucket) => denied(`PUT ${bucket}/foo-write`, { as: "alt", body: "bar" }),
    ],
    [
      "get acl",
      (bucket) => ask(`GET ${bucket}?acl`, { as: "alt" }),
      (bucket) => denied(`GET ${bucket}?acl`, { as: "alt" }),
    ],
    [
      "put acl",
      (bucket) => ask(`PUT ${bucket}?acl`, { as: "alt", headers: { "x-amz-acl": "public-read" } }),
      (bucket) =>
        denied(`PUT ${bucket}?acl`, { as: "alt", headers: { "x-amz-acl": "public-read" } }),
    ],
  ];

const grants: readonly Row[] = [
  ...POWERS.map(([permission, may]) =>
    row(
      `${permission} of a bucket lets another user ${may.join(", ")} and no more`,
      `${GUIDE}: What permissions can I grant?`,
      ask("PUT {aw}?acl", {
        body: accessControlPolicy([{ id: "{alt}", permission }, OWNER]),
      }),
      see("GET {aw}?acl", {
        xml: {
          [`${GRANT}/Permission`]: [permission, "FULL_CONTROL"],
          [`${GRANT}/Grantee/DisplayName`]: ["{altName}", "{mainName}"],
        },
      }),
      ...REQUESTS.map(([what, allow, refuse]) =>
        may.includes(what) ? allow("{aw}") : refuse("{aw}"),
      ),
    ),
  ),
  ...["FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP"].map((permission) =>
    row(
      `The owner of an object may be granted just ${permission}`,
      "PutObjectAcl",
      put("{aw}/foo", "bar"),
      ask("PUT {aw}/foo?acl", { body: accessControlPolicy([{ id: "{main}", permission }]) }),
      isGranted("{aw}/foo", { id: "{main}", permission }),
    ),
  ),
  row(
    "An ACL may grant nothing to anybody; the owner can give it another",
    "PutBucketAcl",
    ask("PUT {aw}?acl", { body: accessControlPolicy([]) }),
    isGranted("{aw}"),
    ask("PUT {aw}?acl", { body: accessControlPolicy([OWNER]) }),
    isGranted("{aw}", OWNER),
  ),
  row(
    "A grant by e-mail is kept as one to the user",
    `${GUIDE}: Who is a grantee?`,
    ask("PUT {aw}?acl", {
      body: accessControlPolicy([{ email: "{altEmail}", permission: "FULL_CONTROL" }, OWNER]),
    }),
    isGranted("{aw}", ALT_OWNER, OWNER),
    fails("PUT {aw}?acl", 400, "UnresolvableGrantByEmailAddress", {
      body: accessControlPolicy([{ email: "nobody@example.invalid", permission: "READ" }, OWNER]),
    }),
  ),
  row(
    "A grant to a user that is not there, of what is no permission or to no group is refused",
    "PutBucketAcl",
    fails("PUT {aw}?acl", 400, "InvalidArgument", {
      body: accessControlPolicy([{ id: "_foo", permission: "FULL_CONTROL" }, OWNER]),
    }),
    fails("PUT {aw}?acl", 400, "MalformedACLError", {
      body: accessControlPolicy([{ id: "{alt}", permission: "EVERYTHING" }]),
    }),
    fails("PUT {aw}?acl", 400, ["InvalidArgument", "MalformedACLError"], {
      body: accessControlPolicy([{ uri: "http://example.com/group", permission: "READ" }]),
    }),
    fails("PUT {aw}?acl", 400, ["MalformedACLError", "MalformedXML"], {
      body: "<AccessControlPolicy/>",
    }),
    fails("PUT {aw}?acl", 400, ["MalformedACLError", "MalformedXML"], { body: "garbage" }),
    isGranted("{aw}", OWNER),
  ),
  row(
    "Headers grant permissions too, to buckets and to objects",
    "PutObject: x-amz-grant-*",
    ...["PUT {nob}", "PUT {aw}/foo"].map((line) =>
      ask(line, {
        headers: {
          ...(line === "PUT {nob}" ? { "x-amz-object-ownership": "ObjectWriter" } : {}),
          ...Object.fromEntries(
            ["read", "write", "read-acp", "write-acp", "full-control"].map((name) => [
              `x-amz-grant-${name}`,
              "id={alt}",
            ]),
          ),
        },
      }),
    ),
    ...["{nob}", "{aw}/foo"].map((path) =>
      ask(
        `GET ${path}?acl`,
        { as: "alt" },
        {
          xml: {
            [`${GRANT}/Permission`]: ["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"],
            [`${GRANT}/Grantee/ID`]: ["{alt}", "{alt}", "{alt}", "{alt}", "{alt}"],
          },
        },
      ),
    ),
  ),
  row(
    "A header may grant to several, and to groups",
    "PutBucketAcl: x-amz-grant-*",
    ask("PUT {aw}?acl", {
      headers: {
        "x-amz-grant-read": `id="{alt}", uri="${ALL_USERS}"`,
        "x-amz-grant-write": "id={alt}",
      },
    }),
    see("GET {aw}?acl", {
      xml: {
        [`${GRANT}/Permission`]: ["READ", "READ", "WRITE"],
        [`${GRANT}/Grantee/URI`]: ALL_USERS,
      },
    }),
    fails("PUT {aw}?acl", 400, "InvalidArgument", { headers: { "x-amz-grant-read": "somebody" } }),
  ),
  row(
    "An ACL comes in one way only",
    "PutBucketAcl",
    fails("PUT {aw}?acl", 400, ["UnexpectedContent", "InvalidRequest"], {
      headers: { "x-amz-acl": "private" },
      body: accessControlPolicy([OWNER]),
    }),
    fails("PUT {aw}?acl", 400, "InvalidRequest", {
      headers: { "x-amz-acl": "private", "x-amz-grant-read": "id={alt}" },
    }),
    fails("PUT {aw}?acl", 400, [
      "MissingSecurityHeader",
      "MalformedXML",
      "MissingRequestBodyError",
      "InvalidRequest",
    ]),
    fails("PUT {aw}?acl", 400, "InvalidArgument", { headers: { "x-amz-acl": "public-ready" } }),
  ),
];

/** Who reads what, by the ACLs of a bucket and of one of its objects. */
const ACCESS = ["private", "public-read", "public-read-write"].flatMap((bucket) =>
  ["private", "public-read", "public-read-write"].map((object) => [bucket, object] as const),
);

const access: readonly Row[] = ACCESS.map(([bucket, object]) => {
  const mayRead = object !== "private";
  const mayList = bucket !== "private";
  const mayWrite = bucket === "public-read-write";
  const alt = { as: "alt" } as const;
  return row(
    `In a bucket that is ${bucket}, others ${mayRead ? "read" : "do not read"} what is ${object}, and ${mayWrite ? "write" : "do not write"}`,
    GUIDE,
    ask("PUT {aw}?acl", { headers: { "x-amz-acl": bucket } }),
    put("{aw}/foo", "foocontent"),
    ask("PUT {aw}/foo?acl", { headers: { "x-amz-acl": object } }),
    put("{aw}/bar", "barcontent"),
    mayRead ? ask("GET {aw}/foo", alt, { body: "foocontent" }) : denied("GET {aw}/foo", alt),
    denied("GET {aw}/bar", alt),
    ...["GET {aw}", "GET {aw}?list-type=2"].map((line) =>
      mayList ? ask(line, alt, { xml: { "Contents/Key": ["bar", "foo"] } }) : denied(line, alt),
    ),
    ...["foo", "bar", "new"].map((key) =>
      mayWrite
        ? ask(`PUT {aw}/${key}`, { ...alt, body: "overwritten" })
        : denied(`PUT {aw}/${key}`, { ...alt, body: "overwritten" }),
    ),
  );
});

export const acls = area("access control lists", [...canned, ...owners, ...grants, ...access]);
