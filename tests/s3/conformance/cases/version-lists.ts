import { area, ask, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { accessControlPolicy, versioning } from "../support/documents.ts";

const LIST = "ListObjectVersions";

/** Writes and keeps the version's id under a name. */
function write(path: string, body: string, save: string): Step {
  return ask(`PUT ${path}`, { body }, { save: { [save]: "header x-amz-version-id" } });
}

const lists: readonly Row[] = [
  row(
    "Versions are listed by key, the newest first, in pages",
    `${LIST}: key-marker, version-id-marker`,
    write("{vb}/a", "1", "a1"),
    write("{vb}/b", "1", "b1"),
    write("{vb}/b", "2", "b2"),
    write("{vb}/a", "2", "a2"),
    see("GET {vb}?versions", { xml: { "Version/VersionId": ["{a2}", "{a1}", "{b2}", "{b1}"] } }),
    see("GET {vb}?versions&max-keys=1", {
      xml: {
        "Version/VersionId": ["{a2}"],
        IsTruncated: "true",
        NextKeyMarker: "a",
        NextVersionIdMarker: "{a2}",
      },
    }),
    see("GET {vb}?versions&max-keys=2&key-marker=a&version-id-marker={a2}", {
      xml: {
        "Version/VersionId": ["{a1}", "{b2}"],
        IsTruncated: "true",
        KeyMarker: "a",
        VersionIdMarker: "{a2}",
        NextKeyMarker: "b",
        NextVersionIdMarker: "{b2}",
      },
    }),
    see("GET {vb}?versions&key-marker=a", { xml: { "Version/VersionId": ["{b2}", "{b1}"] } }),
    see("GET {vb}?versions&key-marker=b&version-id-marker={b2}", {
      xml: { "Version/VersionId": ["{b1}"], IsTruncated: "false", NextKeyMarker: 0 },
    }),
  ),
  row(
    "A prefix and a delimiter choose among versions",
    LIST,
    write("{vb}/foo/1", "1", "v1"),
    write("{vb}/foo/1", "2", "v2"),
    write("{vb}/bar", "1", "v3"),
    ask("DELETE {vb}/quux/1"),
    see("GET {vb}?versions&delimiter=%2F", {
      xml: {
        "Version/VersionId": ["{v3}"],
        DeleteMarker: 0,
        "CommonPrefixes/Prefix": ["foo/", "quux/"],
        Delimiter: "/",
      },
    }),
    see("GET {vb}?versions&prefix=foo%2F", {
      xml: { "Version/VersionId": ["{v2}", "{v1}"], Prefix: "foo/" },
    }),
    see("GET {vb}?versions&delimiter=%2F&max-keys=2", {
      xml: { "CommonPrefixes/Prefix": ["foo/"], NextKeyMarker: "foo/", IsTruncated: "true" },
    }),
    see("GET {vb}?versions&delimiter=%2F&key-marker=foo%2F", {
      xml: { "CommonPrefixes/Prefix": ["quux/"], IsTruncated: "false" },
    }),
  ),
  row(
    "Versions and markers are told with their owner, size and ETag",
    LIST,
    ask("PUT {vb}/foo", { body: "bar" }, { save: { etag: "header etag" } }),
    ask("DELETE {vb}/foo"),
    see("GET {vb}?versions", {
      xml: {
        Name: "{vb}",
        MaxKeys: "1000",
        "Version/ETag": "{etag}",
        "Version/Size": "3",
        "Version/StorageClass": "STANDARD",
        "Version/Owner/ID": "{main}",
        "Version/Owner/DisplayName": "{mainName}",
        "DeleteMarker/Owner/ID": "{main}",
        "DeleteMarker/LastModified": /Z$/u,
        KeyMarker: "",
        VersionIdMarker: "",
      },
    }),
  ),
  row(
    "A version marker needs a key marker",
    LIST,
    write("{vb}/foo", "1", "v1"),
    fails("GET {vb}?versions&version-id-marker={v1}", 400, "InvalidArgument"),
    fails("GET {vb}?versions&max-keys=-1", 400, "InvalidArgument"),
  ),
  row(
    "encoding-type=url encodes the keys of versions",
    `${LIST}: EncodingType`,
    write("{vb}/a%2Bb%20c", "1", "v1"),
    see("GET {vb}?versions&encoding-type=url", {
      xml: { "Version/Key": ["a%2Bb%20c"], EncodingType: "url" },
    }),
  ),
];

const access: readonly Row[] = [
  row(
    "Versions have ACLs of their own",
    "PutObjectAcl: versionId",
    versioning("{aw}", "Enabled"),
    write("{aw}/foo", "one", "v1"),
    write("{aw}/foo", "two", "v2"),
    ask("PUT {aw}/foo?acl&versionId={v1}", { headers: { "x-amz-acl": "public-read" } }),
    ask("GET {aw}/foo?versionId={v1}", { as: "anonymous" }, { status: [200, 403] }),
    see("GET {aw}/foo?acl&versionId={v1}", { xml: { "AccessControlList/Grant": 2 } }),
    see("GET {aw}/foo?acl", { xml: { "AccessControlList/Grant": 1 } }),
    ask("PUT {aw}/foo?acl", { body: accessControlPolicy([{ id: "{main}", permission: "READ" }]) }),
    see("GET {aw}/foo?acl&versionId={v2}", {
      xml: { "AccessControlList/Grant/Permission": "READ" },
    }),
    put("{aw}/foo", "three"),
    see("GET {aw}/foo?acl", { xml: { "AccessControlList/Grant/Permission": "FULL_CONTROL" } }),
  ),
  row(
    "An ACL changes no date",
    "PutObjectAcl",
    write("{vb}/foo", "one", "v1"),
    see("GET {vb}?versions", { save: { modified: "xml Version/LastModified" } }),
    ask("PUT {vb}/foo?acl", { headers: { "x-amz-acl": "private" } }),
    see("GET {vb}?versions", { xml: { "Version/LastModified": "{modified}", Version: 1 } }),
  ),
];

export const versionLists = area("lists and ACLs of versions", [...lists, ...access]);
