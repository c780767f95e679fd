import { area, ask, denied, fails, put, type Row, row, see } from "../support/case.ts";
import { arn, document, elements, putPolicy } from "../support/documents.ts";

const LOGGING = "PutBucketLogging";

function logging(target: string, format = ""): string {
  const inner =
    target === ""
      ? ""
      : `<LoggingEnabled>${elements({ TargetBucket: target, TargetPrefix: "log/" })}${format}</LoggingEnabled>`;
  return document("BucketLoggingStatus", inner);
}

const KEY_FORMAT = "LoggingEnabled/TargetObjectKeyFormat";
const keyFormat = (inner: string) => `<TargetObjectKeyFormat>${inner}</TargetObjectKeyFormat>`;
const partitioned = (source: string) =>
  `<PartitionedPrefix>${elements({ PartitionDateSource: source })}</PartitionedPrefix>`;

/** Lets the service write the logs of {b} into {b2}. */
const LOG_POLICY = putPolicy("{b2}", {
  Principal: { Service: "logging.s3.amazonaws.com" },
  Action: "s3:PutObject",
  Resource: arn("{b2}/log/"),
});

const answers: readonly Row[] = [
  row(
    "The bucket's owner pays for requests, unless it was said otherwise",
    "PutBucketRequestPayment, GetBucketRequestPayment",
    see("GET {b}?requestPayment", { xml: { Payer: "BucketOwner" } }),
    ask("PUT {b}?requestPayment", {
      body: document("RequestPaymentConfiguration", elements({ Payer: "Requester" })),
    }),
    see("GET {b}?requestPayment", { xml: { Payer: "Requester" } }),
    fails("PUT {b}?requestPayment", 400, "MalformedXML", {
      body: document("RequestPaymentConfiguration", elements({ Payer: "Nobody" })),
    }),
  ),
  row(
    "Logging is off, is set, read and taken away",
    `${LOGGING}, GetBucketLogging`,
    see("GET {b}?logging", { xml: { LoggingEnabled: 0 } }),
    LOG_POLICY,
    ask("PUT {b}?logging", { body: logging("{b2}") }),
    see("GET {b}?logging", {
      xml: { "LoggingEnabled/TargetBucket": "{b2}", "LoggingEnabled/TargetPrefix": "log/" },
    }),
    ask("PUT {b}?logging", { body: logging("") }),
    see("GET {b}?logging", { xml: { LoggingEnabled: 0 } }),
  ),
  row(
    "The keys of logs have the prefix alone, or a date of two kinds",
    `${LOGGING}: TargetObjectKeyFormat`,
    LOG_POLICY,
    ask("PUT {b}?logging", { body: logging("{b2}", keyFormat("<SimplePrefix/>")) }),
    see("GET {b}?logging", { xml: { [`${KEY_FORMAT}/SimplePrefix`]: 1 } }),
    ask("PUT {b}?logging", { body: logging("{b2}", keyFormat(partitioned("DeliveryTime"))) }),
    see("GET {b}?logging", {
      xml: { [`${KEY_FORMAT}/PartitionedPrefix/PartitionDateSource`]: "DeliveryTime" },
    }),
    fails("PUT {b}?logging", 400, "MalformedXML", {
      body: logging("{b2}", keyFormat(partitioned("kaboom"))),
    }),
  ),
  row(
    "Logs go to a bucket that is there",
    `${LOGGING}: InvalidTargetBucketForLogging`,
    fails(
      "PUT {b}?logging",
      [400, 404],
      ["InvalidTargetBucketForLogging", "NoSuchKey", "NoSuchBucket"],
      {
        body: logging("{nob}"),
      },
    ),
    fails("PUT {nob}?logging", 404, "NoSuchBucket", { body: logging("{b}") }),
    fails("PUT {b}?logging", 400, "MalformedXML", { body: "<BucketLoggingStatus>" }),
    denied("PUT {b}?logging", { as: "alt", body: logging("{b2}") }),
  ),
  row(
    "Notifications are kept as they were set",
    "PutBucketNotificationConfiguration, GetBucketNotificationConfiguration",
    see("GET {b}?notification", { xml: { TopicConfiguration: 0, QueueConfiguration: 0 } }),
    ask("PUT {b}?notification", { body: document("NotificationConfiguration", "") }),
    see("GET {b}?notification", { xml: { TopicConfiguration: 0 } }),
    fails("PUT {b}?notification", 400, "MalformedXML", { body: "<NotificationConfiguration>" }),
  ),
  row(
    "What a bucket was never told it does not have",
    "GetBucketWebsite, GetBucketReplication, GetBucketAccelerateConfiguration",
    fails("GET {b}?website", 404, "NoSuchWebsiteConfiguration"),
    fails("GET {b}?replication", 404, "ReplicationConfigurationNotFoundError"),
    see("GET {b}?accelerate", { xml: { Status: 0 } }),
  ),
  ...["analytics", "metrics", "inventory", "intelligent-tiering"].map((name) =>
    row(
      `What S3 has beyond this server is refused: ${name}`,
      "Error responses: NotImplemented",
      fails(`GET {b}?${name}&id=x`, [404, 501], ["NotImplemented", "NoSuchConfiguration"]),
    ),
  ),
  row(
    "What S3 does to objects beyond this server is refused",
    "Error responses: NotImplemented",
    put("{b}/foo", "a,b"),
    fails("POST {b}/foo?select&select-type=2", [400, 501], undefined, { body: "<SelectRequest/>" }),
    fails("POST {b}/foo?restore", [400, 403, 501], undefined, {
      body: document("RestoreRequest", elements({ Days: 1 })),
    }),
  ),
];

const KEYS: readonly (readonly [what: string, path: string, key: string])[] = [
  ["a space", "a%20b", "a b"],
  ["only a space", "%20", " "],
  ["a plus", "a%2Bb", "a+b"],
  ["a plus as it is", "c+d", "c+d"],
  ["a percent sign", "100%25", "100%"],
  ["what looks encoded", "a%2525b", "a%25b"],
  ["a question mark", "a%3Fb", "a?b"],
  ["a hash", "a%23b", "a#b"],
  ["an ampersand and what XML must escape", "a%26b%3C%3E%22%27", "a&b<>\"'"],
  ["a colon, an equals sign, a semicolon", "a:b=c;d", "a:b=c;d"],
  ["a backslash", "a%5Cb", "a\\b"],
  ["braces, brackets, a bar", "%7Ba%7D%5Bb%5D%7C", "{a}[b]|"],
  ["letters of other scripts", "%D0%BF%D1%80%D0%B8%E6%97%A5%E6%9C%AC", "при日本"],
  ["an emoji", "%F0%9F%98%80", "\u{1F600}"],
  ["a combining letter", "e%CC%81", "e\u0301"],
  ["dots alone", "...", "..."],
  ["an underscore alone", "_", "_"],
  ["a dot at the end", "a.", "a."],
  ["a tilde and a star", "~*a", "~*a"],
  ["1,024 bytes", "k".repeat(1024), "k".repeat(1024)],
  ["a slash at the end", "dir/", "dir/"],
  ["two slashes in a row", "a//b", "a//b"],
  ["a slash at the beginning", "%2Fa", "/a"],
  ["many slashes", "a/b/c/d/e/f/g/h/i", "a/b/c/d/e/f/g/h/i"],
];

const keys: readonly Row[] = [
  ...KEYS.map(([what, path, key]) =>
    row(
      `A key may be or have ${what}`,
      "User guide: Naming Amazon S3 objects",
      put(`{b}/${path}`, "content"),
      see(`GET {b}/${path}`, { body: "content" }),
      see(`HEAD {b}/${path}`, { headers: { "content-length": "7" } }),
      see("GET {b}?list-type=2", { xml: { "Contents/Key": [key] } }),
      see(`GET {b}/${path}?acl`, { xml: { "AccessControlList/Grant": 1 } }),
      ask(`DELETE {b}/${path}`),
      see("GET {b}?list-type=2", { xml: { Contents: 0 } }),
    ),
  ),
  row(
    "A key may not have more than 1,024 bytes",
    "Error responses: KeyTooLongError",
    fails(`PUT {b}/${"k".repeat(1025)}`, 400, "KeyTooLongError"),
    fails(`PUT {b}/${"%C3%A4".repeat(513)}`, 400, "KeyTooLongError"),
    fails(`GET {b}/${"k".repeat(1025)}`, [400, 404], ["KeyTooLongError", "NoSuchKey"]),
  ),
  row(
    "A path whose encoding is none is refused",
    "Error responses: InvalidURI",
    fails("PUT {b}/a%FFb", 400, ["InvalidURI", "InvalidArgument"], { as: "anonymous" }),
  ),
  row(
    "Control characters in keys are listed encoded, when asked for",
    "ListObjectsV2: encoding-type",
    put("{b}/a%01b", "x"),
    see("GET {b}?list-type=2&encoding-type=url", { xml: { "Contents/Key": ["a%01b"] } }),
    see("GET {b}/a%01b", { body: "x" }),
  ),
  row(
    "Dots between slashes are part of a key, not a way",
    "User guide: Naming Amazon S3 objects: period-only path segments",
    put("{b}/a/../b", "1"),
    put("{b}/./c", "2"),
    see("GET {b}/a/../b", { body: "1" }),
    fails("GET {b}/b", 404, "NoSuchKey"),
    see("GET {b}?list-type=2", { xml: { "Contents/Key": ["./c", "a/../b"] } }),
  ),
];

export const settings = area("settings of buckets that are stored, and what is not there", answers);
export const strangeKeys = area("strange keys", keys);
