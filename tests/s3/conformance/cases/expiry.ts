import { type AskStep, area, ask, fails, put, type Row, row, type Step } from "../support/case.ts";
import { document, elements, start, tagging, versioning } from "../support/documents.ts";

/**
 * What lifecycle rules do, on a server whose days are short: those of one day are over soon, those of FAR days never.
 */

const GUIDE = "User guide: Managing the lifecycle of objects";
const EXPIRATION = "User guide: Expiring objects";
const PATIENCE_MS = 20_000;
const FAR = 1_000_000;
const SECURED = { "x-amz-tagging": "security=private&a=b" };

/** Rules in the order given, each the elements below its id and status. */
function rules(bucket: string, ...each: readonly string[]): AskStep {
  const content = each.map(
    (inner, index) => `<Rule>${elements({ ID: `rule${index}`, Status: "Enabled" })}${inner}</Rule>`,
  );
  return ask(`PUT ${bucket}?lifecycle`, {
    body: document("LifecycleConfiguration", content.join("")),
  });
}

const ALL = "<Filter/>";
const expiring = (days = 1) => `<Expiration>${elements({ Days: days })}</Expiration>`;
const noncurrent = (days = 1, keep?: number) =>
  `<NoncurrentVersionExpiration>${elements({
    NoncurrentDays: days,
    ...(keep === undefined ? {} : { NewerNoncurrentVersions: keep }),
  })}</NoncurrentVersionExpiration>`;
const prefix = (value: string) => `<Filter>${elements({ Prefix: value })}</Filter>`;
const tag = (Key: string, Value: string) => `<Tag>${elements({ Key, Value })}</Tag>`;
const MARKERS =
  "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";

/** In the end just these keys are there. */
function leaves(bucket: string, ...keys: readonly string[]): AskStep {
  return ask(
    `GET ${bucket}?list-type=2`,
    { patienceMs: PATIENCE_MS },
    { xml: { "Contents/Key": keys } },
  );
}

/** In the end the versions and the markers are of just these keys. */
function leavesVersions(
  bucket: string,
  versions: readonly string[],
  markers: readonly string[],
): AskStep {
  return ask(
    `GET ${bucket}?versions`,
    { patienceMs: PATIENCE_MS },
    { xml: { "Version/Key": versions, "DeleteMarker/Key": markers } },
  );
}

/** An object that a rule beside the one that is looked at expires: when it is gone, that one was carried out too. */
const CANARY: Step = put("{b}/canary", "x");
const CANARY_RULE = `${prefix("canary")}${expiring()}`;

const objects: readonly Row[] = [
  row(
    "What begins with the prefix of a rule expires after its days",
    EXPIRATION,
    ...["expire1/bar", "expire1/foo", "keep2/foo", "expire3/foo"].map((key) => put(`{b}/${key}`)),
    rules("{b}", `${prefix("expire1/")}${expiring()}`, `${prefix("expire3/")}${expiring(FAR)}`),
    leaves("{b}", "expire3/foo", "keep2/foo"),
    fails("GET {b}/expire1/foo", 404, "NoSuchKey"),
  ),
  row(
    "A rule that is disabled does nothing",
    EXPIRATION,
    put("{b}/foo"),
    CANARY,
    ask("PUT {b}?lifecycle", {
      body: document(
        "LifecycleConfiguration",
        `<Rule><ID>off</ID><Status>Disabled</Status>${ALL}${expiring()}</Rule><Rule><ID>on</ID><Status>Enabled</Status>${CANARY_RULE}</Rule>`,
      ),
    }),
    leaves("{b}", "foo"),
  ),
  row(
    "With one tag what has it expires",
    `${GUIDE}: Filter`,
    put("{b}/private", "x", { "x-amz-tagging": "security=private" }),
    put("{b}/public", "x", { "x-amz-tagging": "security=public" }),
    put("{b}/plain", "x"),
    rules("{b}", `<Filter>${tag("security", "private")}</Filter>${expiring()}`),
    leaves("{b}", "plain", "public"),
  ),
  row(
    "With prefix and tags what has all of them expires",
    `${GUIDE}: Filter: And`,
    put("{b}/logs/both", "x", SECURED),
    put("{b}/logs/one", "x", { "x-amz-tagging": "a=b" }),
    put("{b}/data/both", "x", SECURED),
    rules(
      "{b}",
      `<Filter><And><Prefix>logs/</Prefix>${tag("a", "b")}${tag("security", "private")}</And></Filter>${expiring()}`,
    ),
    leaves("{b}", "data/both", "logs/one"),
  ),
  row(
    "Tags that are set later count as well",
    `${GUIDE}: Filter`,
    put("{b}/foo", "x"),
    CANARY,
    rules("{b}", `<Filter>${tag("a", "b")}</Filter>${expiring()}`, CANARY_RULE),
    leaves("{b}", "foo"),
    ask("PUT {b}/foo?tagging", { body: tagging({ a: "b" }) }),
    leaves("{b}"),
  ),
  row(
    "What is larger than a rule's size expires",
    `${GUIDE}: ObjectSizeGreaterThan`,
    put("{b}/large", "x".repeat(2001)),
    put("{b}/equal", "x".repeat(2000)),
    rules(
      "{b}",
      `<Filter><ObjectSizeGreaterThan>2000</ObjectSizeGreaterThan></Filter>${expiring()}`,
    ),
    leaves("{b}", "equal"),
  ),
  row(
    "What is smaller than a rule's size expires",
    `${GUIDE}: ObjectSizeLessThan`,
    put("{b}/equal", "x".repeat(2000)),
    put("{b}/small", "x".repeat(1999)),
    rules("{b}", `<Filter><ObjectSizeLessThan>2000</ObjectSizeLessThan></Filter>${expiring()}`),
    leaves("{b}", "equal"),
  ),
  row(
    "From its date on everything of a rule expires",
    `${GUIDE}: Date`,
    put("{b}/future/foo"),
    put("{b}/past/foo"),
    rules(
      "{b}",
      `${prefix("past/")}<Expiration><Date>2015-01-01T00:00:00Z</Date></Expiration>`,
      `${prefix("future/")}<Expiration><Date>2100-01-01T00:00:00Z</Date></Expiration>`,
    ),
    leaves("{b}", "future/foo"),
  ),
  row(
    "Uploads that nobody completes are given up",
    `${GUIDE}: AbortIncompleteMultipartUpload`,
    start("{b}/test1/a"),
    start("{b}/test2/b"),
    rules(
      "{b}",
      `${prefix("test1/")}<AbortIncompleteMultipartUpload>${elements({ DaysAfterInitiation: 1 })}</AbortIncompleteMultipartUpload>`,
    ),
    ask("GET {b}?uploads", { patienceMs: PATIENCE_MS }, { xml: { "Upload/Key": ["test2/b"] } }),
  ),
];

const versions: readonly Row[] = [
  row(
    "With versions what expires is hidden by one delete marker",
    EXPIRATION,
    put("{vb}/foo", "x"),
    put("{vb}/keep", "x"),
    rules("{vb}", `${prefix("foo")}${expiring()}`),
    leavesVersions("{vb}", ["foo", "keep"], ["foo"]),
    fails("GET {vb}/foo", 404, "NoSuchKey"),
  ),
  row(
    "With versions tags decide too",
    EXPIRATION,
    put("{vb}/both", "x", SECURED),
    put("{vb}/one", "x", { "x-amz-tagging": "a=b" }),
    rules(
      "{vb}",
      `<Filter><And>${tag("a", "b")}${tag("security", "private")}</And></Filter>${expiring()}`,
    ),
    leavesVersions("{vb}", ["both", "one"], ["both"]),
    leaves("{vb}", "one"),
  ),
  row(
    "Noncurrent versions go after their days, the current one stays",
    `${GUIDE}: NoncurrentDays`,
    ...["1", "2", "3"].flatMap((body) => [put("{vb}/a", body), put("{vb}/b/c", body)]),
    rules("{vb}", `${prefix("a")}${noncurrent()}`),
    leavesVersions("{vb}", ["a", "b/c", "b/c", "b/c"], []),
    ask("GET {vb}/a", {}, { body: "3" }),
  ),
  row(
    "The newest of the noncurrent versions stay as many as a rule says",
    `${GUIDE}: NewerNoncurrentVersions`,
    ...["1", "2", "3", "4"].map((body) => put("{vb}/a", body)),
    rules("{vb}", `${ALL}${noncurrent(1, 2)}`),
    leavesVersions("{vb}", ["a", "a", "a"], []),
  ),
  row(
    "Noncurrent versions have tags of their own",
    `${GUIDE}: Filter`,
    put("{vb}/a", "1", { "x-amz-tagging": "a=b" }),
    put("{vb}/a", "2"),
    put("{vb}/a", "3", { "x-amz-tagging": "a=b" }),
    rules("{vb}", `<Filter>${tag("a", "b")}</Filter>${noncurrent()}`),
    leavesVersions("{vb}", ["a", "a"], []),
    ask("GET {vb}/a", {}, { body: "3" }),
  ),
  row(
    "A delete marker with nothing behind it goes, others stay",
    `${GUIDE}: ExpiredObjectDeleteMarker`,
    ask("PUT {vb}/alone", { body: "x" }, { save: { v: "header x-amz-version-id" } }),
    put("{vb}/behind", "x"),
    ask("DELETE {vb}/alone"),
    ask("DELETE {vb}/behind"),
    ask("DELETE {vb}/alone?versionId={v}"),
    rules("{vb}", `${ALL}${MARKERS}`),
    leavesVersions("{vb}", ["behind"], ["behind"]),
  ),
  row(
    "A rule of days takes lone delete markers along",
    `${GUIDE}: ExpiredObjectDeleteMarker`,
    ask("DELETE {vb}/alone"),
    put("{vb}/keep", "x"),
    rules("{vb}", `${prefix("alone")}${expiring()}`),
    leavesVersions("{vb}", ["keep"], []),
  ),
  row(
    "Expired, its noncurrent version gone and its marker gone: nothing is left",
    `${GUIDE}: ExpiredObjectDeleteMarker`,
    put("{vb}/foo", "x"),
    rules("{vb}", `${ALL}${expiring()}${noncurrent()}`),
    leavesVersions("{vb}", [], []),
  ),
  row(
    "With versioning suspended a marker takes the place of the version null",
    EXPIRATION,
    versioning("{vb}", "Suspended"),
    put("{vb}/foo", "x"),
    rules("{vb}", `${ALL}${expiring(1)}`),
    leaves("{vb}"),
    ask("GET {vb}?versions", {}, { xml: { "Version/Key": [] } }),
  ),
  row(
    "What is locked stays",
    "User guide: Locking objects with Object Lock: lifecycle",
    put("{lb}/foo", "held", { "x-amz-object-lock-legal-hold": "ON" }),
    put("{lb}/foo", "free"),
    put("{lb}/foo", "newest"),
    rules("{lb}", `${ALL}${noncurrent()}`),
    leavesVersions("{lb}", ["foo", "foo"], []),
  ),
];

export const expiry = area("lifecycle rules that are carried out", [...objects, ...versions]);
