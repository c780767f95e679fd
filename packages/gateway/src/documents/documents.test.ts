import { describe, expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { readCompleteMultipart } from "./complete-multipart.ts";
import { corsHeaders, readCors } from "./cors.ts";
import { readDelete } from "./delete-objects.ts";
import { encryptsByDefault, readEncryption } from "./encryption.ts";
import { readLifecycle } from "./lifecycle.ts";
import { readLogging } from "./logging.ts";
import { readNotification } from "./notification.ts";
import { readLegalHold, readLockHeaders, readObjectLock, readRetention } from "./object-lock.ts";
import { readOwnership } from "./ownership.ts";
import { readPublicAccessBlock } from "./public-access-block.ts";
import { readRequestPayment } from "./request-payment.ts";
import { readTagging, readTaggingHeader, tagSetXml } from "./tagging.ts";
import { readVersioning } from "./versioning.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

/** The code a reader refuses a document with, or what it reads from it. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
}

const lifecycle = (rule: string) => () =>
  readLifecycle(`<LifecycleConfiguration>${rule}</LifecycleConfiguration>`, () => "made");
const rule = (inner: string, status = "Enabled", id = "<ID>a</ID>") =>
  lifecycle(`<Rule>${id}<Status>${status}</Status>${inner}</Rule>`);
const DAYS_1 = "<Expiration><Days>1</Days></Expiration>";
const tagging =
  (inner: string, limit = 10) =>
  () =>
    readTagging(`<Tagging><TagSet>${inner}</TagSet></Tagging>`, limit);
const tag = (key: string, value = "v") => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;
const cors = (inner: string) => () =>
  readCors(`<CORSConfiguration><CORSRule>${inner}</CORSRule></CORSConfiguration>`);
const lock = (inner: string) => () =>
  readObjectLock(
    `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${inner}</ObjectLockConfiguration>`,
  );
const lockRule = (inner: string) =>
  lock(`<Rule><DefaultRetention>${inner}</DefaultRetention></Rule>`);
const parts = (inner: string) => () =>
  readCompleteMultipart(`<CompleteMultipartUpload>${inner}</CompleteMultipartUpload>`);
const notification = (inner: string) => () =>
  readNotification(`<NotificationConfiguration>${inner}</NotificationConfiguration>`);

describe("documents are refused with AWS's codes", () => {
  test.each<[string, () => unknown, string]>([
    ["no XML", () => readVersioning("hello"), "MalformedXML"],
    ["another root", () => readVersioning("<Versioning/>"), "MalformedXML"],
    [
      "no status",
      () => readVersioning("<VersioningConfiguration/>"),
      "IllegalVersioningConfigurationException",
    ],
    [
      "MFA delete",
      () =>
        readVersioning(
          "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>",
        ),
      "NotImplemented",
    ],
    ["a lifecycle without rules", lifecycle(""), "MalformedXML"],
    ["a rule without prefix and filter", rule(DAYS_1), "MalformedXML"],
    ["a rule with both", rule(`<Prefix/><Filter/>${DAYS_1}`), "MalformedXML"],
    ["a status in lower case", rule(`<Prefix/>${DAYS_1}`, "enabled"), "MalformedXML"],
    [
      "an id of 256",
      rule(`<Prefix/>${DAYS_1}`, "Enabled", `<ID>${"x".repeat(256)}</ID>`),
      "InvalidArgument",
    ],
    [
      "two rules of one id",
      lifecycle(
        `<Rule><ID>a</ID><Status>Enabled</Status><Prefix>1</Prefix>${DAYS_1}</Rule>`.repeat(2),
      ),
      "InvalidArgument",
    ],
    ["0 days", rule("<Prefix/><Expiration><Days>0</Days></Expiration>"), "InvalidArgument"],
    ["a rule that does nothing", rule("<Prefix/>"), "InvalidRequest"],
    [
      "a date that is none",
      rule("<Prefix/><Expiration><Date>20200101</Date></Expiration>"),
      "MalformedXML",
    ],
    [
      "a date in the middle of a day",
      rule("<Prefix/><Expiration><Date>2030-01-01T01:00:00Z</Date></Expiration>"),
      "InvalidArgument",
    ],
    [
      "days and delete markers",
      rule(
        "<Prefix/><Expiration><Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
      ),
      "MalformedXML",
    ],
    [
      "another storage class",
      rule("<Prefix/><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"),
      "NotImplemented",
    ],
    [
      "uploads by tag",
      rule(
        `<Filter>${tag("a")}</Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
      ),
      "InvalidRequest",
    ],
    [
      "an empty size range",
      rule(
        `<Filter><And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan><ObjectSizeLessThan>5</ObjectSizeLessThan></And></Filter>${DAYS_1}`,
      ),
      "InvalidRequest",
    ],
    ["11 tags", tagging(Array.from({ length: 11 }, (_, i) => tag(`k${i}`)).join("")), "BadRequest"],
    ["the same tag twice", tagging(tag("a") + tag("a")), "InvalidTag"],
    ["a tag name of 129", tagging(tag("x".repeat(129))), "InvalidTag"],
    ["a tag value of 257", tagging(tag("a", "x".repeat(257))), "InvalidTag"],
    ["a tag of AWS's own", tagging(tag("aws:x")), "InvalidTag"],
    ["a sign that tags do not have", tagging(tag("a?")), "InvalidTag"],
    ["a tag without a value", tagging("<Tag><Key>a</Key></Tag>"), "MalformedXML"],
    ["a tag header twice", () => readTaggingHeader("a=1&a=2"), "InvalidTag"],
    ["no CORS rules", () => readCors("<CORSConfiguration/>"), "MalformedXML"],
    ["CORS without origins", cors("<AllowedMethod>GET</AllowedMethod>"), "MalformedXML"],
    [
      "a CORS method that is none",
      cors("<AllowedMethod>OPTIONS</AllowedMethod><AllowedOrigin>*</AllowedOrigin>"),
      "InvalidRequest",
    ],
    [
      "two stars in an origin",
      cors("<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*a*</AllowedOrigin>"),
      "InvalidRequest",
    ],
    ["a lock that is not on", () => readObjectLock("<ObjectLockConfiguration/>"), "MalformedXML"],
    [
      "days and years",
      lockRule("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"),
      "MalformedXML",
    ],
    ["a mode that is none", lockRule("<Mode>governance</Mode><Days>1</Days>"), "MalformedXML"],
    ["0 days of lock", lockRule("<Mode>GOVERNANCE</Mode><Days>0</Days>"), "InvalidRetentionPeriod"],
    [
      "36,501 days",
      lockRule("<Mode>GOVERNANCE</Mode><Days>36501</Days>"),
      "InvalidRetentionPeriod",
    ],
    [
      "a retention of the past",
      () =>
        readRetention(
          "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2025-12-31T00:00:00Z</RetainUntilDate></Retention>",
          NOW_MS,
        ),
      "InvalidArgument",
    ],
    [
      "a mode without a date",
      () => readRetention("<Retention><Mode>GOVERNANCE</Mode></Retention>", NOW_MS),
      "MalformedXML",
    ],
    [
      "a hold that is neither",
      () => readLegalHold("<LegalHold><Status>on</Status></LegalHold>"),
      "MalformedXML",
    ],
    [
      "a mode header alone",
      () =>
        readLockHeaders(
          (name) => (name === "x-amz-object-lock-mode" ? "GOVERNANCE" : undefined),
          NOW_MS,
        ),
      "InvalidArgument",
    ],
    [
      "an ownership that is none",
      () =>
        readOwnership(
          "<OwnershipControls><Rule><ObjectOwnership>Me</ObjectOwnership></Rule></OwnershipControls>",
        ),
      "MalformedXML",
    ],
    [
      "keys of a key service",
      () =>
        readEncryption(
          "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
        ),
      "NotImplemented",
    ],
    [
      "a payer that is none",
      () =>
        readRequestPayment(
          "<RequestPaymentConfiguration><Payer>me</Payer></RequestPaymentConfiguration>",
        ),
      "MalformedXML",
    ],
    [
      "a target that is no ARN",
      notification(
        "<TopicConfiguration><Topic>x</Topic><Event>s3:ObjectCreated:*</Event></TopicConfiguration>",
      ),
      "InvalidArgument",
    ],
    [
      "a target without events",
      notification("<QueueConfiguration><Queue>arn:aws:sqs:::q</Queue></QueueConfiguration>"),
      "MalformedXML",
    ],
    [
      "logging by another date than there is",
      () =>
        readLogging(
          "<BucketLoggingStatus><LoggingEnabled><TargetBucket>b</TargetBucket><TargetPrefix/><TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>kaboom</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat></LoggingEnabled></BucketLoggingStatus>",
        ),
      "MalformedXML",
    ],
    [
      "logging without a prefix",
      () =>
        readLogging(
          "<BucketLoggingStatus><LoggingEnabled><TargetBucket>b</TargetBucket></LoggingEnabled></BucketLoggingStatus>",
        ),
      "MalformedXML",
    ],
    ["no parts", parts(""), "MalformedXML"],
    ["a part without an ETag", parts("<Part><PartNumber>1</PartNumber></Part>"), "MalformedXML"],
    [
      "part 10,001",
      parts("<Part><PartNumber>10001</PartNumber><ETag>a</ETag></Part>"),
      "InvalidArgument",
    ],
    [
      "1,001 keys",
      () => readDelete(`<Delete>${"<Object><Key>a</Key></Object>".repeat(1001)}</Delete>`),
      "MalformedXML",
    ],
    ["no keys", () => readDelete("<Delete><Quiet>true</Quiet></Delete>"), "MalformedXML"],
  ])("%s", (_, read, code) => {
    expect(outcome(read)).toBe(code);
  });
});

describe("what documents say is read", () => {
  test("of a lifecycle rule, and the rule is given back as it came", () => {
    const [read] = rule(
      `<Filter><And><Prefix>logs/</Prefix>${tag("k", "a+b")}<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></And></Filter>
       <NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>
       <Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>`,
      "Disabled",
      "",
    )();
    expect(read).toMatchObject({
      id: "made",
      isEnabled: false,
      prefix: "logs/",
      tags: { k: "a+b" },
      sizeGreaterThan: 10,
      sizeLessThan: undefined,
      expireAtMs: Date.UTC(2030, 0, 1),
      expireDays: undefined,
      noncurrentDays: 3,
      noncurrentKeep: 2,
    });
    expect(Buffer.from(read?.source ?? []).toString()).toMatch(
      /^<Rule><ID>made<\/ID><Status>Disabled<\/Status><Filter><And><Prefix>logs\/<\/Prefix><Tag><Key>k<\/Key><Value>a\+b<\/Value><\/Tag>/,
    );
  });

  test("of tags, in a document and in a header", () => {
    expect(tagging(tag("a", "1") + tag("b", ""))()).toEqual({ a: "1", b: "" });
    expect(readTaggingHeader("a=1&b=%20x+y&c")).toEqual({ a: "1", b: " x y", c: "" });
    expect(tagSetXml({ "a&b": "<" })).toBe(
      "<TagSet><Tag><Key>a&amp;b</Key><Value>&lt;</Value></Tag></TagSet>",
    );
  });

  test("of locks: defaults, retention in any form of the time, and holds", () => {
    expect(lock("")()).toBeUndefined();
    expect(lockRule("<Mode>COMPLIANCE</Mode><Years>2</Years>")()).toEqual({
      mode: "COMPLIANCE",
      days: 0,
      years: 2,
    });
    const until = (text: string) =>
      readRetention(
        `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${text}</RetainUntilDate></Retention>`,
        NOW_MS,
      )?.untilMs;
    expect(until("2030-01-01T00:00:00Z")).toBe(Date.UTC(2030, 0, 1));
    expect(until("2030-01-01T00:00:00")).toBe(Date.UTC(2030, 0, 1));
    expect(until("2030-01-01T02:00:00+02:00")).toBe(Date.UTC(2030, 0, 1));
    expect(until("2030-01-01T00:00:00.123456Z")).toBe(Date.UTC(2030, 0, 1) + 123);
    expect(readRetention("<Retention/>", NOW_MS)).toBeUndefined();
    expect(readLegalHold("<LegalHold><Status>ON</Status></LegalHold>")).toBe(true);
  });

  test("of the smaller ones", () => {
    expect(
      readVersioning(
        '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status></VersioningConfiguration>',
      ),
    ).toBe("suspended");
    expect(
      readPublicAccessBlock(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>True</BlockPublicAcls></PublicAccessBlockConfiguration>",
      ),
    ).toEqual({
      blockPublicAcls: true,
      ignorePublicAcls: false,
      blockPublicPolicy: false,
      restrictPublicBuckets: false,
    });
    const kept = readEncryption(
      "<ServerSideEncryptionConfiguration> <Rule> <ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    );
    expect(encryptsByDefault(kept)).toBe(true);
    expect(notification("")()).toBe("");
    expect(readLogging("<BucketLoggingStatus/>")).toBeUndefined();
    expect(
      parts(
        '<Part><ETag>"abc"</ETag><PartNumber>2</PartNumber><ChecksumSHA1>x=</ChecksumSHA1></Part>',
      )(),
    ).toEqual([{ number: 2, etag: "abc", checksums: new Map([["sha1", "x="]]) }]);
    expect(
      readDelete("<Delete><Object><Key> a </Key><VersionId>null</VersionId></Object></Delete>"),
    ).toMatchObject({ objects: [{ key: " a ", versionId: "null" }], isQuiet: false });
  });
});

test("the first CORS rule that allows origin, method and every header answers", () => {
  const rules = readCors(
    `<CORSConfiguration>
      <CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://*.a.example</AllowedOrigin>
        <AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>
      <CORSRule><AllowedMethod>PUT</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>
    </CORSConfiguration>`,
  );
  const ask = (origin: string, method: string, ...headers: string[]) =>
    corsHeaders(rules, { origin, method, headers });
  expect(ask("https://b.a.example", "GET", "X-Thing")).toMatchObject({
    "access-control-allow-origin": "https://b.a.example",
    "access-control-allow-headers": "x-thing",
    "access-control-expose-headers": "ETag",
    "access-control-max-age": "60",
  });
  expect(ask("https://b.a.example", "GET", "other")).toBeUndefined();
  expect(ask("https://.a.exampl", "GET")).toBeUndefined();
  expect(ask("https://c.example", "PUT")).toMatchObject({ "access-control-allow-origin": "*" });
  expect(ask("https://c.example", "PUT", "x-thing")).toBeUndefined();
  expect(ask("https://c.example", "GET")).toBeUndefined();
});
