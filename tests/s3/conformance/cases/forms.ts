import { area, ask, fails, type Given, type Row, row, see } from "../support/case.ts";
import { checksum } from "../support/checksums.ts";
import { type FormGiven, inFuture } from "../support/form.ts";

const POST = "POST Object: Browser-based uploads using POST";
const CONDITIONS: readonly unknown[] = [
  { bucket: "{b}" },
  ["starts-with", "$key", "foo"],
  { acl: "private" },
  ["starts-with", "$Content-Type", "text/plain"],
  ["content-length-range", 0, 1024],
];
/** What a form says in the place of the name of its file. */
const FILE_NAME = ["$", "{filename}"].join("");
const FIELDS: FormGiven["fields"] = [
  ["key", "foo.txt"],
  ["acl", "private"],
  ["Content-Type", "text/plain"],
];

/** A request that carries a form. */
type Form = Given & { readonly form: FormGiven };

/** A form that is right but for what is given. */
function form(given: Partial<FormGiven> = {}): Form {
  return { form: { fields: FIELDS, conditions: CONDITIONS, file: "bar", style: "v4", ...given } };
}

/** One whose policy is given whole. */
function withPolicy(policy: NonNullable<FormGiven["policy"]>): Form {
  return form({ policy });
}

const allowed: readonly Row[] = [
  ...(["v2", "v4"] as const).map((style) =>
    row(
      `A form signed by version ${style.slice(1)} stores its file`,
      POST,
      ask("POST {b}", form({ style }), {
        status: 204,
        headers: { etag: '"37b51d194a7513e45b56f6524f2d51f2"', location: /foo\.txt$/u },
        body: "",
      }),
      see("GET {b}/foo.txt", { body: "bar", headers: { "content-type": "text/plain" } }),
    ),
  ),
  row(
    "Where all may write a form needs no policy",
    POST,
    ask(
      "POST {rw}",
      {
        form: {
          fields: [
            ["key", "foo.txt"],
            ["acl", "public-read"],
          ],
          file: "bar",
        },
      },
      {
        status: 204,
      },
    ),
    ask("GET {rw}/foo.txt", { as: "anonymous" }, { body: "bar" }),
    fails("POST {b}", 403, "AccessDenied", {
      form: { fields: [["key", "foo.txt"]], file: "bar" },
    }),
  ),
  row(
    "201 answers with a document, an unknown status with 204",
    `${POST}: success_action_status`,
    ask(
      "POST {rw}",
      {
        form: {
          fields: [
            ["key", "foo.txt"],
            ["success_action_status", "201"],
          ],
          file: "bar",
        },
      },
      { status: 201, xml: { Key: "foo.txt", Bucket: "{rw}", Location: 1, ETag: /37b51d19/u } },
    ),
    ask(
      "POST {rw}",
      {
        form: {
          fields: [
            ["key", "foo.txt"],
            ["success_action_status", "200"],
          ],
          file: "bar",
        },
      },
      { status: 200, body: "" },
    ),
    ask(
      "POST {rw}",
      {
        form: {
          fields: [
            ["key", "foo.txt"],
            ["success_action_status", "404"],
          ],
          file: "bar",
        },
      },
      { status: 204, body: "" },
    ),
  ),
  row(
    "A redirect tells bucket, key and ETag",
    `${POST}: success_action_redirect`,
    ask(
      "POST {b}",
      form({
        fields: [...FIELDS, ["success_action_redirect", "http://example.com/done"]],
        conditions: [...CONDITIONS, ["eq", "$success_action_redirect", "http://example.com/done"]],
      }),
      {
        status: 303,
        headers: {
          location:
            "http://example.com/done?bucket={b}&key=foo.txt&etag=%2237b51d194a7513e45b56f6524f2d51f2%22",
        },
      },
    ),
  ),
  row(
    "The key may leave a place for the name of the file",
    `${POST}: key`,
    ask(
      "POST {b}",
      form({
        fields: [["key", `foo-${FILE_NAME}`], ...FIELDS.slice(1)],
        fileName: "C:\\photos\\a.txt",
      }),
      { status: 204 },
    ),
    see("GET {b}", { xml: { "Contents/Key": /^foo-.*a\.txt$/u } }),
  ),
  row(
    "Names of fields and conditions are in any case",
    POST,
    ask(
      "POST {b}",
      form({
        fields: [
          ["kEy", "foo.txt"],
          ["aCl", "private"],
          ["Content-Type", "text/plain"],
        ],
        conditions: [
          { bUcKeT: "{b}" },
          ["StArTs-WiTh", "$KeY", "foo"],
          { AcL: "private" },
          ["StArTs-WiTh", "$CoNtEnT-TyPe", "text/plain"],
          ["content-length-range", 0, 1024],
        ],
      }),
      { status: 204 },
    ),
  ),
  row(
    "A dollar in a value is escaped by a backslash",
    `${POST}: character escaping`,
    ask(
      "POST {b}",
      form({
        fields: [["key", "\\$foo.txt"], ...FIELDS.slice(1)],
        conditions: [{ bucket: "{b}" }, ["starts-with", "$key", "\\$foo"], ...CONDITIONS.slice(2)],
      }),
      { status: 204 },
    ),
    see("GET {b}/%5C%24foo.txt", { body: "bar" }),
  ),
  row(
    "Fields that begin with x-ignore- are ignored",
    `${POST}: x-ignore-`,
    ask("POST {b}", form({ fields: [...FIELDS, ["x-ignore-foo", "bar"]] }), { status: 204 }),
  ),
  row(
    "Metadata and tags come as fields",
    `${POST}: x-amz-meta-*, tagging`,
    ask(
      "POST {b}",
      form({
        fields: [
          ...FIELDS,
          ["x-amz-meta-foo", "barclamp"],
          [
            "tagging",
            "<Tagging><TagSet><Tag><Key>0</Key><Value>zero</Value></Tag></TagSet></Tagging>",
          ],
        ],
        conditions: [
          ...CONDITIONS,
          ["starts-with", "$x-amz-meta-foo", "bar"],
          ["starts-with", "$tagging", ""],
        ],
      }),
      { status: 204 },
    ),
    see("GET {b}/foo.txt", { headers: { "x-amz-meta-foo": "barclamp" } }),
    see("GET {b}/foo.txt?tagging", { xml: { "TagSet/Tag/Value": "zero" } }),
  ),
  row(
    "A larger file than any buffer is stored whole",
    POST,
    ask(
      "POST {b}",
      form({
        file: "foo".repeat(1024 * 1024),
        conditions: [...CONDITIONS.slice(0, 4), ["content-length-range", 0, 5 * 1024 * 1024]],
      }),
      { status: 204 },
    ),
    see("HEAD {b}/foo.txt", { headers: { "content-length": String(3 * 1024 * 1024) } }),
  ),
  row(
    "A checksum among the fields is verified",
    `${POST}: x-amz-checksum-*`,
    ask(
      "POST {b}",
      form({ fields: [...FIELDS, ["x-amz-checksum-sha256", checksum("sha256", "bar")]] }),
      { status: [204, 403] },
    ),
    fails(
      "POST {b}",
      [400, 403],
      undefined,
      form({
        fields: [...FIELDS, ["x-amz-checksum-sha256", "sailorjerry"]],
      }),
    ),
  ),
];

const refused: readonly Row[] = [
  ...(
    [
      ["a wrong signature", form({ signature: "AAAA" }), 403, "SignatureDoesNotMatch"],
      ["an unknown key", form({ accessKeyId: "AKNOBODY" }), 403, "InvalidAccessKeyId"],
      ["no signature", form({ without: ["signature", "x-amz-signature"] }), 400, "InvalidArgument"],
      ["no key of the object", form({ fields: FIELDS.slice(1) }), 400, "InvalidArgument"],
      [
        "no file",
        { form: { fields: FIELDS, conditions: CONDITIONS, style: "v4" } },
        400,
        "InvalidArgument",
      ],
      [
        "a field that no condition allows",
        form({ fields: [...FIELDS, ["x-amz-meta-foo", "bar"]] }),
        403,
        "AccessDenied",
      ],
      [
        "a condition on a field that is not there",
        form({ conditions: [...CONDITIONS, ["starts-with", "$x-amz-meta-foo", "bar"]] }),
        403,
        "AccessDenied",
      ],
      [
        "a field of another value",
        form({
          fields: [...FIELDS, ["x-amz-meta-foo", "barclamp"]],
          conditions: [...CONDITIONS, ["eq", "$x-amz-meta-foo", ""]],
        }),
        403,
        "AccessDenied",
      ],
      [
        "a key that does not begin as it should",
        form({ fields: [["key", "bar.txt"], ...FIELDS.slice(1)] }),
        403,
        "AccessDenied",
      ],
      [
        "no condition on the bucket",
        form({ conditions: CONDITIONS.slice(1) }),
        403,
        "AccessDenied",
      ],
      [
        "another bucket in its conditions",
        form({ conditions: [{ bucket: "{nob}" }, ...CONDITIONS.slice(1)] }),
        403,
        "AccessDenied",
      ],
      [
        "a policy that has ended",
        withPolicy({ expiration: "2020-01-01T00:00:00Z", conditions: CONDITIONS }),
        403,
        "AccessDenied",
      ],
      [
        "an end that is no date",
        withPolicy({ expiration: "2040-01-01 00:00:00+00:00", conditions: CONDITIONS }),
        400,
        "InvalidPolicyDocument",
      ],
      [
        "a policy without an end",
        withPolicy({ conditions: CONDITIONS }),
        400,
        "InvalidPolicyDocument",
      ],
      [
        "a policy without conditions",
        withPolicy({ expiration: inFuture(600_000) }),
        400,
        "InvalidPolicyDocument",
      ],
      [
        "CONDITIONS in capital letters",
        withPolicy({ expiration: inFuture(600_000), CONDITIONS }),
        400,
        "InvalidPolicyDocument",
      ],
      [
        "EXPIRATION in capital letters",
        withPolicy({ EXPIRATION: inFuture(600_000), conditions: CONDITIONS }),
        400,
        "InvalidPolicyDocument",
      ],
      ["a policy that is no JSON", withPolicy("{"), 400, "InvalidPolicyDocument"],
      ["an empty condition", form({ conditions: [{}] }), 400, "InvalidPolicyDocument"],
      [
        "a range of lengths with one end",
        form({ conditions: [...CONDITIONS.slice(0, 4), ["content-length-range", 0]] }),
        400,
        "InvalidPolicyDocument",
      ],
      [
        "a range of lengths below nothing",
        form({ conditions: [...CONDITIONS.slice(0, 4), ["content-length-range", -1, 0]] }),
        400,
        "InvalidPolicyDocument",
      ],
      [
        "a file that is too long",
        form({ conditions: [...CONDITIONS.slice(0, 4), ["content-length-range", 0, 0]] }),
        400,
        "EntityTooLarge",
      ],
      [
        "a file that is too short",
        form({ conditions: [...CONDITIONS.slice(0, 4), ["content-length-range", 512, 1000]] }),
        400,
        "EntityTooSmall",
      ],
    ] as readonly (readonly [string, Form, number, string])[]
  ).flatMap(([what, given, status, code]) =>
    (["v4", "v2"] as const).map((style) =>
      row(
        `A form of ${style} with ${what} is refused as ${code}`,
        POST,
        ask("POST {b}", { form: { ...given.form, style } }, { status, code }),
        fails("GET {b}/foo.txt", 404, "NoSuchKey"),
      ),
    ),
  ),
  row(
    "What is no form is refused",
    `${POST}: MalformedPOSTRequest`,
    ...["multipart/form-data", "text/plain", "multipart/form-data; boundary=x"].map((type) =>
      fails("POST {rw}", [400, 412, 405], undefined, {
        as: "anonymous",
        body: "garbage",
        headers: { "content-type": type },
      }),
    ),
  ),
  row(
    "A form into no bucket is NoSuchBucket",
    POST,
    fails("POST {nob}", 404, "NoSuchBucket", { form: { fields: [["key", "x"]], file: "x" } }),
  ),
];

export const forms = area("POST forms", [...allowed, ...refused]);
