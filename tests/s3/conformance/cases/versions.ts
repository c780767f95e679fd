import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { document, elements, finish, part, start, versioning } from "../support/documents.ts";

const GUIDE = "User guide: Using versioning in S3 buckets";
const SUSPENDED = "User guide: Working with objects in a versioning-suspended bucket";

/** Writes and keeps the version's id under a name. */
function write(path: string, body: string, save: string): Step {
  return ask(`PUT ${path}`, { body }, { save: { [save]: "header x-amz-version-id" } });
}

const states: readonly Row[] = [
  row(
    "Versioning is off, then enabled or suspended, and never off again",
    "PutBucketVersioning, GetBucketVersioning",
    see("GET {b}?versioning", { xml: { ".": "", Status: 0 } }),
    versioning("{b}", "Suspended"),
    see("GET {b}?versioning", { xml: { Status: "Suspended" } }),
    versioning("{b}", "Enabled"),
    versioning("{b}", "Enabled"),
    see("GET {b}?versioning", { xml: { Status: "Enabled" } }),
    versioning("{b}", "Suspended"),
    see("GET {b}?versioning", { xml: { Status: "Suspended" } }),
  ),
  ...["Off", "enabled", "Disabled", ""].map((status) =>
    row(
      `Versioning cannot be "${status}"`,
      "PutBucketVersioning: Status",
      fails(
        "PUT {b}?versioning",
        400,
        ["MalformedXML", "IllegalVersioningConfigurationException"],
        {
          body: document("VersioningConfiguration", elements({ Status: status })),
        },
      ),
    ),
  ),
  row(
    "A configuration that is none is refused, and strangers set none",
    "PutBucketVersioning",
    fails("PUT {b}?versioning", 400, ["MalformedXML", "MissingRequestBodyError"]),
    fails("PUT {b}?versioning", 400, "MalformedXML", { body: "<VersioningConfiguration>" }),
    denied("PUT {b}?versioning", {
      as: "alt",
      body: document("VersioningConfiguration", elements({ Status: "Enabled" })),
    }),
    denied("GET {b}?versioning", { as: "alt" }),
  ),
  row(
    "MFA delete is disabled, and cannot be enabled",
    "PutBucketVersioning: MfaDelete",
    ask("PUT {b}?versioning", {
      body: document(
        "VersioningConfiguration",
        elements({ MfaDelete: "Disabled", Status: "Enabled" }),
      ),
    }),
    fails("PUT {b}?versioning", [400, 403, 501], undefined, {
      body: document(
        "VersioningConfiguration",
        elements({ MfaDelete: "Enabled", Status: "Enabled" }),
      ),
    }),
  ),
];

const writes: readonly Row[] = [
  row(
    "Each write has an id, and each version is read by it",
    GUIDE,
    write("{vb}/foo", "one", "v1"),
    write("{vb}/foo", "two", "v2"),
    see("GET {vb}/foo", { body: "two", headers: { "x-amz-version-id": "{v2}" } }),
    see("GET {vb}/foo?versionId={v1}", { body: "one", headers: { "x-amz-version-id": "{v1}" } }),
    see("HEAD {vb}/foo?versionId={v1}", { headers: { "content-length": "3" } }),
    see("GET {vb}?versions", {
      xml: {
        "Version/VersionId": ["{v2}", "{v1}"],
        "Version/IsLatest": ["true", "false"],
        "Version/Key": ["foo", "foo"],
        "Version/Size": ["3", "3"],
      },
    }),
  ),
  row(
    "Where there is no versioning no id is told, nor where it is suspended",
    "PutObject: x-amz-version-id",
    ask("PUT {b}/foo", {}, { headers: { "x-amz-version-id": null } }),
    see("GET {b}/foo", { headers: { "x-amz-version-id": null } }),
    see("GET {b}?versions", { xml: { "Version/VersionId": "null", "Version/IsLatest": "true" } }),
    versioning("{b2}", "Suspended"),
    ask("PUT {b2}/foo", {}, { headers: { "x-amz-version-id": /^null$|^$/u } }),
  ),
  row(
    "A version of an upload has an id too",
    "CompleteMultipartUpload: x-amz-version-id",
    start("{vb}/foo"),
    part("{vb}/foo", 1, "abc"),
    finish("{vb}/foo", [1], {}, { save: { v: "header x-amz-version-id" } }),
    see("GET {vb}?versions", { xml: { "Version/VersionId": "{v}" } }),
    see("GET {vb}/foo?versionId={v}", { body: "abc" }),
  ),
  row(
    "A version that is not there is NoSuchVersion, an id that is none is refused",
    "GetObject: versionId",
    write("{vb}/foo", "one", "v1"),
    write("{vb}/bar", "two", "v2"),
    ask("DELETE {vb}/bar?versionId={v2}"),
    fails("GET {vb}/bar?versionId={v2}", 404, ["NoSuchVersion", "NoSuchKey"]),
    fails("GET {vb}/foo?versionId=garbage", [400, 404], ["InvalidArgument", "NoSuchVersion"]),
    fails("GET {vb}/foo?versionId=", 400, "InvalidArgument"),
    fails("GET {vb}/foo?versionId=null", 404, "NoSuchVersion"),
  ),
];

const removals: readonly Row[] = [
  row(
    "A removal leaves a marker, and the versions behind it",
    "User guide: Deleting object versions from a versioning-enabled bucket",
    write("{vb}/foo", "one", "v1"),
    ask(
      "DELETE {vb}/foo",
      {},
      {
        headers: { "x-amz-delete-marker": "true" },
        save: { marker: "header x-amz-version-id" },
      },
    ),
    ask(
      "GET {vb}/foo",
      {},
      {
        status: 404,
        code: "NoSuchKey",
        headers: { "x-amz-delete-marker": "true", "x-amz-version-id": "{marker}" },
      },
    ),
    see("HEAD {vb}/foo", { status: 404, headers: { "x-amz-delete-marker": "true" } }),
    see("GET {vb}", { xml: { Contents: 0 } }),
    see("GET {vb}?versions", {
      xml: {
        "DeleteMarker/VersionId": "{marker}",
        "DeleteMarker/IsLatest": "true",
        "Version/VersionId": "{v1}",
        "Version/IsLatest": "false",
      },
    }),
    see("GET {vb}/foo?versionId={v1}", { body: "one" }),
  ),
  row(
    "A marker is no object: it cannot be read by its id",
    "User guide: Working with delete markers",
    write("{vb}/foo", "one", "v1"),
    ask("DELETE {vb}/foo", {}, { save: { marker: "header x-amz-version-id" } }),
    ask(
      "GET {vb}/foo?versionId={marker}",
      {},
      {
        status: 405,
        code: "MethodNotAllowed",
        headers: { "x-amz-delete-marker": "true", allow: "DELETE" },
      },
    ),
    see("HEAD {vb}/foo?versionId={marker}", { status: 405 }),
  ),
  row(
    "A marker removed brings back what it hid",
    "User guide: Managing delete markers",
    write("{vb}/foo", "one", "v1"),
    ask("DELETE {vb}/foo", {}, { save: { marker: "header x-amz-version-id" } }),
    ask(
      "DELETE {vb}/foo?versionId={marker}",
      {},
      {
        headers: { "x-amz-delete-marker": "true", "x-amz-version-id": "{marker}" },
      },
    ),
    see("GET {vb}/foo", { body: "one", headers: { "x-amz-version-id": "{v1}" } }),
  ),
  row(
    "Markers pile up",
    GUIDE,
    write("{vb}/foo", "one", "v1"),
    ask("DELETE {vb}/foo"),
    ask("DELETE {vb}/foo"),
    ask("DELETE {vb}/foo"),
    see("GET {vb}?versions", { xml: { Version: 1, DeleteMarker: 3 } }),
  ),
  row(
    "A marker is made where no object ever was",
    "DeleteObject",
    ask("DELETE {vb}/never", {}, { headers: { "x-amz-delete-marker": "true" } }),
    see("GET {vb}?versions", { xml: { Version: 0, "DeleteMarker/Key": "never" } }),
  ),
  row(
    "A version removed is gone for good, and the one before is current",
    GUIDE,
    write("{vb}/foo", "one", "v1"),
    write("{vb}/foo", "two", "v2"),
    write("{vb}/foo", "three", "v3"),
    ask(
      "DELETE {vb}/foo?versionId={v3}",
      {},
      {
        headers: { "x-amz-version-id": "{v3}", "x-amz-delete-marker": null },
      },
    ),
    see("GET {vb}/foo", { body: "two" }),
    ask("DELETE {vb}/foo?versionId={v1}"),
    see("GET {vb}/foo", { body: "two" }),
    ask("DELETE {vb}/foo?versionId={v2}"),
    fails("GET {vb}/foo", 404, "NoSuchKey"),
    ask("DELETE {vb}/foo?versionId={v2}"),
    see("GET {vb}?versions", { xml: { Version: 0, DeleteMarker: 0 } }),
  ),
  row(
    "Keys that are strange have versions too",
    GUIDE,
    ...["_", ":", "%20", "a/", "a//b"].flatMap((key) => [
      write(`{vb}/${key}`, "one", "v1"),
      write(`{vb}/${key}`, "two", "v2"),
      ask(`DELETE {vb}/${key}?versionId={v2}`),
      see(`GET {vb}/${key}`, { body: "one" }),
      ask(`DELETE {vb}/${key}?versionId={v1}`),
      fails(`GET {vb}/${key}`, 404, "NoSuchKey"),
    ]),
    see("GET {vb}?versions", { xml: { Version: 0 } }),
  ),
];

const nulls: readonly Row[] = [
  row(
    "What was there before versioning has the id null",
    "User guide: Enabling versioning on buckets",
    put("{b}/foo", "old"),
    versioning("{b}", "Enabled"),
    see("GET {b}/foo", { body: "old", headers: { "x-amz-version-id": "null" } }),
    write("{b}/foo", "new", "v"),
    see("GET {b}/foo?versionId=null", { body: "old" }),
    ask("DELETE {b}/foo?versionId={v}"),
    see("GET {b}/foo", { body: "old" }),
    ask("DELETE {b}/foo?versionId=null", {}, { headers: { "x-amz-version-id": "null" } }),
    fails("GET {b}/foo", 404, "NoSuchKey"),
    see("GET {b}?versions", { xml: { Version: 0, DeleteMarker: 0 } }),
  ),
  row(
    "While suspended a write replaces the null version and no other",
    SUSPENDED,
    write("{vb}/foo", "one", "v1"),
    versioning("{vb}", "Suspended"),
    put("{vb}/foo", "null 1"),
    put("{vb}/foo", "null 2"),
    see("GET {vb}/foo", { body: "null 2" }),
    see("GET {vb}?versions", { xml: { "Version/VersionId": ["null", "{v1}"] } }),
    see("GET {vb}/foo?versionId={v1}", { body: "one" }),
    see("GET {vb}/foo?versionId=null", { body: "null 2" }),
  ),
  row(
    "While suspended a removal puts a null marker in the place of the null version",
    SUSPENDED,
    write("{vb}/foo", "one", "v1"),
    versioning("{vb}", "Suspended"),
    put("{vb}/foo", "null"),
    ask(
      "DELETE {vb}/foo",
      {},
      {
        headers: { "x-amz-delete-marker": "true", "x-amz-version-id": "null" },
      },
    ),
    see("HEAD {vb}/foo", { status: 404, headers: { "x-amz-delete-marker": "true" } }),
    see("GET {vb}?versions", {
      xml: { "Version/VersionId": ["{v1}"], "DeleteMarker/VersionId": ["null"] },
    }),
    ask("DELETE {vb}/foo"),
    see("GET {vb}?versions", { xml: { DeleteMarker: 1 } }),
    ask("DELETE {vb}/foo?versionId=null"),
    see("GET {vb}/foo", { body: "one" }),
  ),
  row(
    "Versions of all times live together",
    SUSPENDED,
    put("{b}/foo", "before"),
    versioning("{b}", "Enabled"),
    write("{b}/foo", "one", "v1"),
    versioning("{b}", "Suspended"),
    put("{b}/foo", "suspended"),
    versioning("{b}", "Enabled"),
    write("{b}/foo", "two", "v2"),
    see("GET {b}?versions", {
      xml: {
        "Version/VersionId": ["{v2}", "null", "{v1}"],
        "Version/IsLatest": ["true", "false", "false"],
      },
    }),
    see("GET {b}/foo?versionId=null", { body: "suspended" }),
    ask("DELETE {b}/foo?versionId={v2}"),
    see("GET {b}/foo", { body: "suspended" }),
  ),
];

export const versions = area("versions", [...states, ...writes, ...removals, ...nulls]);
