import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import {
  deleteObjects,
  document,
  elements,
  finish,
  part,
  start,
  versioning,
} from "../support/documents.ts";

const GUIDE = "User guide: Locking objects with Object Lock";
const CONFIGURATION = "PutObjectLockConfiguration";
const UNTIL = "2040-01-01T00:00:00Z";
const LATER = "2040-01-03T00:00:00Z";
const BYPASS = { "x-amz-bypass-governance-retention": "true" };

function lockConfiguration(retention: Record<string, string | number>, status = "Enabled"): string {
  const rule = `<Rule><DefaultRetention>${elements(retention)}</DefaultRetention></Rule>`;
  return document("ObjectLockConfiguration", `${elements({ ObjectLockEnabled: status })}${rule}`);
}

function retention(mode: string, until = UNTIL): string {
  return document("Retention", elements({ Mode: mode, RetainUntilDate: until }));
}

function hold(status: string): string {
  return document("LegalHold", elements({ Status: status }));
}

/** An object whose version is kept under "v". */
function write(headers: Record<string, string> = {}): Step {
  return ask("PUT {lb}/foo", { body: "abc", headers }, { save: { v: "header x-amz-version-id" } });
}

const DAY = lockConfiguration({ Mode: "GOVERNANCE", Days: 1 });

const configurations: readonly Row[] = [
  row(
    "A bucket made with object lock has versioning, which cannot be suspended",
    `${GUIDE}: Object Lock works only in buckets with versioning`,
    see("GET {lb}?versioning", { xml: { Status: "Enabled" } }),
    fails("PUT {lb}?versioning", 409, "InvalidBucketState", {
      body: document("VersioningConfiguration", elements({ Status: "Suspended" })),
    }),
    see("GET {lb}?object-lock", { xml: { ObjectLockEnabled: "Enabled", Rule: 0 } }),
  ),
  row(
    "A default retention is set and read",
    `${CONFIGURATION}, GetObjectLockConfiguration`,
    ask("PUT {lb}?object-lock", { body: DAY }),
    see("GET {lb}?object-lock", {
      xml: {
        ObjectLockEnabled: "Enabled",
        "Rule/DefaultRetention/Mode": "GOVERNANCE",
        "Rule/DefaultRetention/Days": "1",
        "Rule/DefaultRetention/Years": 0,
      },
    }),
    ask("PUT {lb}?object-lock", { body: lockConfiguration({ Mode: "COMPLIANCE", Years: 1 }) }),
    see("GET {lb}?object-lock", {
      xml: { "Rule/DefaultRetention/Years": "1", "Rule/DefaultRetention/Days": 0 },
    }),
    ask("PUT {lb}?object-lock", {
      body: document("ObjectLockConfiguration", elements({ ObjectLockEnabled: "Enabled" })),
    }),
    see("GET {lb}?object-lock", { xml: { Rule: 0 } }),
  ),
  row(
    "Where there is no lock there is no configuration",
    "GetObjectLockConfiguration",
    fails("GET {b}?object-lock", 404, "ObjectLockConfigurationNotFoundError"),
  ),
  row(
    "Object lock can be enabled later, on a bucket with versioning only",
    `${CONFIGURATION}: InvalidBucketState`,
    fails("PUT {b}?object-lock", 409, "InvalidBucketState", { body: DAY }),
    versioning("{b}", "Suspended"),
    fails("PUT {b}?object-lock", 409, "InvalidBucketState", { body: DAY }),
    versioning("{b}", "Enabled"),
    ask("PUT {b}?object-lock", { body: DAY }),
    see("GET {b}?object-lock", { xml: { "Rule/DefaultRetention/Days": "1" } }),
  ),
  ...(
    [
      [
        "days and years",
        lockConfiguration({ Mode: "GOVERNANCE", Days: 1, Years: 1 }),
        "MalformedXML",
      ],
      ["neither days nor years", lockConfiguration({ Mode: "GOVERNANCE" }), "MalformedXML"],
      ["no days", lockConfiguration({ Mode: "GOVERNANCE", Days: 0 }), "InvalidRetentionPeriod"],
      [
        "less than no years",
        lockConfiguration({ Mode: "GOVERNANCE", Years: -1 }),
        "InvalidRetentionPeriod",
      ],
      [
        "too many years",
        lockConfiguration({ Mode: "GOVERNANCE", Years: 101 }),
        "InvalidRetentionPeriod",
      ],
      ["no such mode", lockConfiguration({ Mode: "abc", Years: 1 }), "MalformedXML"],
      [
        "a mode in small letters",
        lockConfiguration({ Mode: "governance", Years: 1 }),
        "MalformedXML",
      ],
      [
        "the lock disabled",
        lockConfiguration({ Mode: "GOVERNANCE", Years: 1 }, "Disabled"),
        "MalformedXML",
      ],
      ["nothing", "", "MalformedXML"],
    ] as const
  ).map(([what, body, code]) =>
    row(
      `A lock configuration with ${what} is refused`,
      CONFIGURATION,
      fails(
        "PUT {lb}?object-lock",
        400,
        [code, ...(body === "" ? ["MissingRequestBodyError"] : [])],
        {
          body,
        },
      ),
    ),
  ),
];

const retentions: readonly Row[] = [
  row(
    "A retention is set, read, and told in the object's headers",
    "PutObjectRetention, GetObjectRetention",
    write(),
    fails("GET {lb}/foo?retention", 404, "NoSuchObjectLockConfiguration"),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE") }),
    see("GET {lb}/foo?retention", {
      xml: { Mode: "GOVERNANCE", RetainUntilDate: /^2040-01-01T00:00:00(\.000)?Z$/u },
    }),
    see("HEAD {lb}/foo", {
      headers: {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": /^2040-01-01T00:00:00(\.000)?Z$/u,
      },
    }),
    see("GET {lb}/foo?retention&versionId={v}", { xml: { Mode: "GOVERNANCE" } }),
  ),
  row(
    "An object is put with its retention and its hold",
    "PutObject: x-amz-object-lock-mode, x-amz-object-lock-legal-hold",
    write({
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-object-lock-retain-until-date": UNTIL,
      "x-amz-object-lock-legal-hold": "ON",
    }),
    see("HEAD {lb}/foo", {
      headers: {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": /^2040-01-01/u,
        "x-amz-object-lock-legal-hold": "ON",
      },
    }),
  ),
  row(
    "The bucket's default is the retention of what says nothing itself",
    `${GUIDE}: default retention`,
    ask("PUT {lb}?object-lock", { body: DAY }),
    write(),
    see("GET {lb}/foo?retention", { xml: { Mode: "GOVERNANCE" } }),
    denied("DELETE {lb}/foo?versionId={v}"),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE") }),
    see("GET {lb}/foo?retention", { xml: { RetainUntilDate: /^2040-01-01/u } }),
  ),
  row(
    "A locked version is not removed, but a marker may hide it",
    GUIDE,
    write(),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE") }),
    denied("DELETE {lb}/foo?versionId={v}"),
    ask("DELETE {lb}/foo", {}, { save: { marker: "header x-amz-version-id" } }),
    denied("DELETE {lb}/foo?versionId={v}"),
    ask("DELETE {lb}/foo?versionId={marker}"),
    denied("DELETE {lb}/foo?versionId={v}"),
    ask("DELETE {lb}/foo?versionId={v}", { headers: BYPASS }),
    fails("GET {lb}/foo", 404, "NoSuchKey"),
  ),
  row(
    "A longer retention needs no bypass, a shorter one does",
    `${GUIDE}: governance mode`,
    write(),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE") }),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE", LATER) }),
    denied("PUT {lb}/foo?retention", { body: retention("GOVERNANCE", UNTIL) }),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE", UNTIL), headers: BYPASS }),
    see("GET {lb}/foo?retention", { xml: { RetainUntilDate: /^2040-01-01/u } }),
  ),
  row(
    "Governance becomes compliance with a bypass, compliance nothing else",
    `${GUIDE}: compliance mode`,
    write({
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-object-lock-retain-until-date": UNTIL,
    }),
    denied("PUT {lb}/foo?retention", { body: retention("COMPLIANCE") }),
    ask("PUT {lb}/foo?retention", { body: retention("COMPLIANCE"), headers: BYPASS }),
    denied("PUT {lb}/foo?retention", { body: retention("GOVERNANCE") }),
    denied("PUT {lb}/foo?retention", { body: retention("GOVERNANCE"), headers: BYPASS }),
    denied("DELETE {lb}/foo?versionId={v}", { headers: BYPASS }),
    ask("PUT {lb}/foo?retention", { body: retention("COMPLIANCE", LATER) }),
  ),
  row(
    "Where there is no lock nothing is locked",
    "PutObjectRetention: InvalidRequest",
    put("{b}/foo", "abc"),
    fails("PUT {b}/foo?retention", 400, "InvalidRequest", { body: retention("GOVERNANCE") }),
    fails("GET {b}/foo?retention", 400, "InvalidRequest"),
    fails("PUT {b}/foo?legal-hold", 400, "InvalidRequest", { body: hold("ON") }),
    fails("GET {b}/foo?legal-hold", 400, "InvalidRequest"),
    fails("PUT {b}/bar", 400, "InvalidRequest", {
      headers: { "x-amz-object-lock-legal-hold": "ON" },
    }),
  ),
  ...(
    [
      ["a mode in small letters", retention("governance"), "MalformedXML"],
      ["no such mode", retention("abc"), "MalformedXML"],
      ["a date that is none", retention("GOVERNANCE", "tomorrow"), "MalformedXML"],
      ["a date that is past", retention("GOVERNANCE", "2020-01-01T00:00:00Z"), "InvalidArgument"],
    ] as const
  ).map(([what, body, code]) =>
    row(
      `A retention with ${what} is refused`,
      "PutObjectRetention",
      write(),
      fails("PUT {lb}/foo?retention", 400, code, { body }),
    ),
  ),
  row(
    "Lock headers must make sense together",
    "PutObject: x-amz-object-lock-mode",
    fails("PUT {lb}/foo", 400, "InvalidArgument", {
      headers: { "x-amz-object-lock-mode": "GOVERNANCE" },
    }),
    fails("PUT {lb}/foo", 400, "InvalidArgument", {
      headers: { "x-amz-object-lock-retain-until-date": UNTIL },
    }),
    fails("PUT {lb}/foo", 400, "InvalidArgument", {
      headers: {
        "x-amz-object-lock-mode": "governance",
        "x-amz-object-lock-retain-until-date": UNTIL,
      },
    }),
    fails("PUT {lb}/foo", 400, "InvalidArgument", {
      headers: {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": "2020-01-01T00:00:00Z",
      },
    }),
    fails("PUT {lb}/foo", 400, "InvalidArgument", {
      headers: { "x-amz-object-lock-legal-hold": "maybe" },
    }),
  ),
];

const holds: readonly Row[] = [
  row(
    "A hold is put on and taken off, and keeps its version while it is on",
    "PutObjectLegalHold, GetObjectLegalHold",
    write(),
    ask("PUT {lb}/foo?legal-hold", { body: hold("ON") }),
    see("GET {lb}/foo?legal-hold", { xml: { Status: "ON" } }),
    denied("DELETE {lb}/foo?versionId={v}"),
    denied("DELETE {lb}/foo?versionId={v}", { headers: BYPASS }),
    ask("PUT {lb}/foo?legal-hold", { body: hold("OFF") }),
    see("GET {lb}/foo?legal-hold", { xml: { Status: "OFF" } }),
    ask("DELETE {lb}/foo?versionId={v}"),
  ),
  row(
    "A hold is ON or OFF",
    "PutObjectLegalHold",
    write(),
    fails("PUT {lb}/foo?legal-hold", 400, "MalformedXML", { body: hold("abc") }),
    fails("PUT {lb}/foo?legal-hold", 400, ["MalformedXML", "MissingRequestBodyError"]),
    // On AWS there is none; elsewhere it is off.
    ask("GET {lb}/foo?legal-hold", {}, { status: [200, 404] }),
  ),
  row(
    "Of many removed at once those that are locked stay",
    "DeleteObjects: AccessDenied",
    write(),
    ask("PUT {lb}/bar", { body: "x" }, { save: { w: "header x-amz-version-id" } }),
    ask("PUT {lb}/foo?retention", { body: retention("GOVERNANCE") }),
    ask(
      "POST {lb}?delete",
      {
        body: deleteObjects([
          { Key: "foo", VersionId: "{v}" },
          { Key: "bar", VersionId: "{w}" },
        ]),
        md5: true,
      },
      {
        xml: {
          "Deleted/Key": "bar",
          "Deleted/VersionId": "{w}",
          "Error/Key": "foo",
          "Error/Code": "AccessDenied",
          "Error/VersionId": "{v}",
        },
      },
    ),
    ask(
      "POST {lb}?delete",
      { body: deleteObjects([{ Key: "foo", VersionId: "{v}" }]), md5: true, headers: BYPASS },
      { xml: { "Deleted/Key": "foo", Error: 0 } },
    ),
  ),
  row(
    "An upload is locked as it was begun",
    "CreateMultipartUpload: x-amz-object-lock-mode",
    start("{lb}/foo", {
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-object-lock-retain-until-date": UNTIL,
      "x-amz-object-lock-legal-hold": "ON",
    }),
    part("{lb}/foo", 1, "abc"),
    finish("{lb}/foo", [1], {}, { save: { v: "header x-amz-version-id" } }),
    denied("DELETE {lb}/foo?versionId={v}", { headers: BYPASS }),
    ask("PUT {lb}/foo?legal-hold", { body: hold("OFF") }),
    denied("DELETE {lb}/foo?versionId={v}"),
    ask("DELETE {lb}/foo?versionId={v}", { headers: BYPASS }),
  ),
  row(
    "A bucket with locked versions is not removed",
    GUIDE,
    write({ "x-amz-object-lock-legal-hold": "ON" }),
    ask("DELETE {lb}/foo"),
    fails("DELETE {lb}", 409, "BucketNotEmpty"),
  ),
];

export const locks = area("object lock", [...configurations, ...retentions, ...holds]);
