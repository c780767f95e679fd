import { area, ask, denied, fails, put, type Row, row, see } from "../support/case.ts";
import { document, elements, start } from "../support/documents.ts";

const PUT = "PutBucketLifecycleConfiguration";
const GUIDE = "User guide: Lifecycle configuration elements";

function rule(content: string, more: Record<string, string> = {}): string {
  return `<Rule>${elements({ ID: "rule1", Status: "Enabled", ...more })}${content}</Rule>`;
}

function rules(...each: readonly string[]): string {
  return document("LifecycleConfiguration", each.join(""));
}

const PREFIX = "<Prefix>test1/</Prefix>";
const DAYS = "<Expiration><Days>1</Days></Expiration>";

/** Rules that are taken, and what is read of them. */
const GOOD: readonly (readonly [string, string, Record<string, string | readonly string[]>])[] = [
  [
    "days and a prefix",
    `${PREFIX}<Expiration><Days>31</Days></Expiration>`,
    {
      "Rule/Prefix": "test1/",
      "Rule/Expiration/Days": "31",
      "Rule/ID": "rule1",
      "Rule/Status": "Enabled",
    },
  ],
  [
    "a date",
    `${PREFIX}<Expiration><Date>2017-09-27T00:00:00Z</Date></Expiration>`,
    { "Rule/Expiration/Date": "2017-09-27T00:00:00Z" },
  ],
  [
    "noncurrent versions",
    `${PREFIX}<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration>`,
    {
      "Rule/NoncurrentVersionExpiration/NoncurrentDays": "2",
      "Rule/NoncurrentVersionExpiration/NewerNoncurrentVersions": "3",
    },
  ],
  [
    "delete markers",
    `${PREFIX}<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`,
    { "Rule/Expiration/ExpiredObjectDeleteMarker": "true" },
  ],
  [
    "incomplete uploads",
    `${PREFIX}<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
    { "Rule/AbortIncompleteMultipartUpload/DaysAfterInitiation": "2" },
  ],
  ["a filter", `<Filter><Prefix>foo</Prefix></Filter>${DAYS}`, { "Rule/Filter/Prefix": "foo" }],
  ["an empty filter", `<Filter/>${DAYS}`, { "Rule/Filter": "" }],
  [
    "a tag",
    `<Filter><Tag><Key>a</Key><Value>1</Value></Tag></Filter>${DAYS}`,
    { "Rule/Filter/Tag/Key": "a", "Rule/Filter/Tag/Value": "1" },
  ],
  [
    "a size",
    `<Filter><ObjectSizeGreaterThan>2000</ObjectSizeGreaterThan></Filter>${DAYS}`,
    { "Rule/Filter/ObjectSizeGreaterThan": "2000" },
  ],
  [
    "several conditions",
    `<Filter><And><Prefix>p</Prefix><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag><ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter>${DAYS}`,
    {
      "Rule/Filter/And/Prefix": "p",
      "Rule/Filter/And/Tag/Key": ["a", "b"],
      "Rule/Filter/And/ObjectSizeLessThan": "9",
    },
  ],
];

/** Rules that are refused. */
const BAD: readonly (readonly [string, string, string])[] = [
  ["no days", rule(`${PREFIX}<Expiration><Days>0</Days></Expiration>`), "InvalidArgument"],
  [
    "less than no days",
    rule(`${PREFIX}<Expiration><Days>-1</Days></Expiration>`),
    "InvalidArgument",
  ],
  ["an id of 256 letters", rule(PREFIX + DAYS, { ID: "a".repeat(256) }), "InvalidArgument"],
  ["the same id twice", rule(PREFIX + DAYS) + rule(`<Prefix>b</Prefix>${DAYS}`), "InvalidArgument"],
  ["status enabled", rule(PREFIX + DAYS, { Status: "enabled" }), "MalformedXML"],
  ["status invalid", rule(PREFIX + DAYS, { Status: "invalid" }), "MalformedXML"],
  [
    "a date that is none",
    rule(`${PREFIX}<Expiration><Date>20200101</Date></Expiration>`),
    "MalformedXML",
  ],
  [
    "days and a date",
    rule(`${PREFIX}<Expiration><Days>1</Days><Date>2030-01-01T00:00:00Z</Date></Expiration>`),
    "MalformedXML",
  ],
  ["nothing to do", rule(PREFIX), "InvalidRequest"],
  ["no prefix and no filter", rule(DAYS), "MalformedXML"],
  ["no rules", "", "MalformedXML"],
  [
    "a transition to a class that is none",
    rule(
      `${PREFIX}<Transition><Date>20220927</Date><StorageClass>GLACIER</StorageClass></Transition>`,
    ),
    "MalformedXML",
  ],
];

const configurations: readonly Row[] = [
  row(
    "A configuration is put, read and removed",
    `${PUT}, GetBucketLifecycleConfiguration, DeleteBucketLifecycle`,
    fails("GET {b}?lifecycle", 404, "NoSuchLifecycleConfiguration"),
    ask("DELETE {b}?lifecycle"),
    ask("PUT {b}?lifecycle", {
      body: rules(
        rule(PREFIX + DAYS),
        rule(`<Prefix>b</Prefix>${DAYS}`, { ID: "rule2", Status: "Disabled" }),
      ),
    }),
    see("GET {b}?lifecycle", {
      xml: { "Rule/ID": ["rule1", "rule2"], "Rule/Status": ["Enabled", "Disabled"] },
    }),
    ask("DELETE {b}?lifecycle"),
    fails("GET {b}?lifecycle", 404, "NoSuchLifecycleConfiguration"),
  ),
  row(
    "A rule without an id is given one",
    `${GUIDE}: ID`,
    ask("PUT {b}?lifecycle", {
      body: rules(`<Rule>${elements({ Prefix: "a", Status: "Enabled" })}${DAYS}</Rule>`),
    }),
    see("GET {b}?lifecycle", { xml: { "Rule/ID": /./u, "Rule/Prefix": "a" } }),
  ),
  ...GOOD.map(([what, content, xml]) =>
    row(
      `A rule of ${what} comes back as it was put`,
      GUIDE,
      ask("PUT {b}?lifecycle", { body: rules(rule(content)) }),
      see("GET {b}?lifecycle", { xml }),
    ),
  ),
  ...BAD.map(([what, content, code]) =>
    row(
      `A configuration with ${what} is refused`,
      PUT,
      fails("PUT {b}?lifecycle", 400, [code, "InvalidArgument", "InvalidRequest", "MalformedXML"], {
        body: rules(content),
      }),
    ),
  ),
  row(
    "Strangers see and set no rules",
    PUT,
    denied("PUT {b}?lifecycle", { as: "alt", body: rules(rule(PREFIX + DAYS)) }),
    denied("GET {b}?lifecycle", { as: "alt" }),
    denied("DELETE {b}?lifecycle", { as: "alt" }),
  ),
  row(
    "Objects are told when they expire, and by which rule",
    "PutObject, HeadObject: x-amz-expiration",
    ask("PUT {b}?lifecycle", { body: rules(rule(PREFIX + DAYS)) }),
    ask(
      "PUT {b}/test1/foo",
      { body: "x", patienceMs: 2500 },
      {
        headers: {
          "x-amz-expiration":
            /^expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT", rule-id="rule1"$/u,
        },
      },
    ),
    see("HEAD {b}/test1/foo", { headers: { "x-amz-expiration": /rule-id="rule1"/u } }),
    see("GET {b}/test1/foo", { headers: { "x-amz-expiration": /rule-id="rule1"/u } }),
    ask("PUT {b}/other", {}, { headers: { "x-amz-expiration": null } }),
  ),
  row(
    "Tags decide whether a rule is for an object",
    `${GUIDE}: Filter`,
    ask("PUT {b}?lifecycle", {
      body: rules(rule(`<Filter><Tag><Key>key1</Key><Value>tag1</Value></Tag></Filter>${DAYS}`)),
    }),
    put("{b}/foo", "x", { "x-amz-tagging": "key1=tag1&key5=tag5" }),
    put("{b}/bar", "x", { "x-amz-tagging": "key1=tag2" }),
    ask("HEAD {b}/foo", { patienceMs: 2500 }, { headers: { "x-amz-expiration": /rule1/u } }),
    see("HEAD {b}/bar", { headers: { "x-amz-expiration": null } }),
  ),
  row(
    "An upload is told when it will be aborted",
    "CreateMultipartUpload: x-amz-abort-date, x-amz-abort-rule-id",
    ask("PUT {b}?lifecycle", {
      body: rules(
        rule(
          `${PREFIX}<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
        ),
      ),
    }),
    ask(
      "POST {b}/test1/foo?uploads",
      { patienceMs: 2500 },
      {
        headers: { "x-amz-abort-date": /GMT$/u, "x-amz-abort-rule-id": "rule1" },
      },
    ),
    start("{b}/other"),
  ),
];

export const lifecycle = area("lifecycle", configurations);
