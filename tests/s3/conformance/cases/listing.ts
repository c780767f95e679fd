import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { checksum } from "../support/checksums.ts";

const V1 = "ListObjects";
const V2 = "ListObjectsV2";

interface Listed {
  readonly keys?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly more?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** Objects whose content is their key. */
function objects(...keys: readonly string[]): Step[] {
  return keys.map((key) => put(`{b}/${encodeURIComponent(key).replaceAll("%2F", "/")}`, key));
}

/** Both versions of the listing, with the same parameters. */
function both(query: string, { keys = [], prefixes = [], more = {} }: Listed): Step[] {
  return ["GET {b}?", "GET {b}?list-type=2&"].map((line) =>
    see(`${line}${query}`, {
      xml: { "Contents/Key": keys, "CommonPrefixes/Prefix": prefixes, ...more },
    }),
  );
}

const FOUR = ["bar", "baz", "foo", "quxx"];
const COMMON = ["bar", "baz", "cab", "foo"];

const delimiters: readonly Row[] = [
  row(
    "An empty bucket lists nothing, and counts none",
    V2,
    ...both("", { more: { IsTruncated: "false", MaxKeys: "1000", Name: "{b}" } }),
    see("GET {b}?list-type=2", { xml: { KeyCount: "0" } }),
  ),
  row(
    "Keys come in the order of their bytes, each bucket its own",
    V2,
    ...objects("foo", "bar", "baz", "Z", "ä", "~"),
    ...both("", { keys: ["Z", "bar", "baz", "foo", "~", "ä"] }),
    see("GET {b2}", { xml: { Contents: 0 } }),
  ),
  row(
    "UTF-8 orders keys, not UTF-16",
    "User guide: Listing object keys programmatically: UTF-8 binary order",
    ...objects("\u{FF21}", "\u{1F600}", "é"),
    ...both("", { keys: ["é", "\u{FF21}", "\u{1F600}"] }),
  ),
  row(
    "A delimiter rolls up what follows it",
    "User guide: Organizing objects using prefixes",
    ...objects("foo/bar", "foo/baz/xyzzy", "quux/thud", "asdf"),
    ...both("delimiter=%2F", {
      keys: ["asdf"],
      prefixes: ["foo/", "quux/"],
      more: { Delimiter: "/" },
    }),
    see("GET {b}?list-type=2&delimiter=%2F", { xml: { KeyCount: "3" } }),
    ...both("delimiter=%2F&prefix=foo%2F", {
      keys: ["foo/bar"],
      prefixes: ["foo/baz/"],
      more: { Prefix: "foo/", Delimiter: "/" },
    }),
  ),
  ...(
    [
      ["a", COMMON, ["foo"], ["ba", "ca"]],
      ["%", ["b%ar", "b%az", "c%ab", "foo"], ["foo"], ["b%", "c%"]],
      [" ", ["b ar", "b az", "c ab", "foo"], ["foo"], ["b ", "c "]],
      [".", ["b.ar", "b.az", "c.ab", "foo"], ["foo"], ["b.", "c."]],
      ["\n", COMMON, COMMON, []],
      ["/", COMMON, COMMON, []],
      ["z/", ["baz/1", "baz/2", "c/3"], ["c/3"], ["baz/"]],
      ["ä", ["xäy", "xäz", "y"], ["y"], ["xä"]],
      ["//", ["a/b", "a//b", "a//c"], ["a/b"], ["a//"]],
    ] as const
  ).map(([delimiter, keys, listed, prefixes]) =>
    row(
      `The delimiter may be ${JSON.stringify(delimiter)} over ${keys.join(", ")}`,
      V2,
      ...objects(...keys),
      ...both(`delimiter=${encodeURIComponent(delimiter)}`, {
        keys: listed,
        prefixes,
        more: { Delimiter: delimiter },
      }),
    ),
  ),
  row(
    "An empty delimiter or none is none",
    V2,
    ...objects(...COMMON),
    ...both("delimiter=", { keys: COMMON, more: { Delimiter: [] } }),
    ...both("", { keys: COMMON, more: { Delimiter: [] } }),
  ),
  row(
    "Keys that end with the delimiter are keys below their own prefix",
    V2,
    ...objects("asdf/"),
    ...both("delimiter=%2F&prefix=asdf%2F", { keys: ["asdf/"], more: { IsTruncated: "false" } }),
    ...both("delimiter=%2F", { prefixes: ["asdf/"] }),
  ),
  row(
    "`a`, `a/`, `a/b` and `a//b` are different keys side by side",
    "User guide: Object keys",
    ...objects("a", "a/", "a/b", "a//b", "a/b/"),
    ...both("", { keys: ["a", "a/", "a//b", "a/b", "a/b/"] }),
    ...both("delimiter=%2F", { keys: ["a"], prefixes: ["a/"] }),
    ...both("delimiter=%2F&prefix=a%2F", { keys: ["a/", "a/b"], prefixes: ["a//", "a/b/"] }),
    see("GET {b}/a", { body: "a" }),
    see("GET {b}/a/", { body: "a/" }),
    see("GET {b}/a//b", { body: "a//b" }),
    ask("DELETE {b}/a/"),
    ...both("", { keys: ["a", "a//b", "a/b", "a/b/"] }),
  ),
  row(
    "A prefix that has many keys hides none that follow it",
    V1,
    ...objects("0/", ...Array.from({ length: 40 }, (_, at) => `0/${1000 + at}`)),
    ...objects("1999", "1999#", "1999+", "2000"),
    ...both("delimiter=%2F", { keys: ["1999", "1999#", "1999+", "2000"], prefixes: ["0/"] }),
  ),
];

const prefixes: readonly Row[] = [
  row(
    "A prefix chooses, with any letters",
    V2,
    ...objects("foo/bar", "foo/baz", "quux", "bar", "baz"),
    ...both("prefix=foo%2F", { keys: ["foo/bar", "foo/baz"], more: { Prefix: "foo/" } }),
    ...both("prefix=ba", { keys: ["bar", "baz"], more: { Prefix: "ba" } }),
    ...both("prefix=", { keys: ["bar", "baz", "foo/bar", "foo/baz", "quux"] }),
    ...both("prefix=d", { more: { Prefix: "d", IsTruncated: "false" } }),
    ...both("prefix=%0A", { more: { Prefix: "\n" } }),
    ...both("prefix=quux", { keys: ["quux"] }),
    ...both("prefix=quuxx", {}),
  ),
  row(
    "A prefix and a delimiter work together",
    V2,
    ...objects("bar", "bazar", "cab", "foo", "b/a/c", "b/a/g", "b/a/r", "g"),
    ...both("delimiter=a&prefix=ba", { keys: ["bar"], prefixes: ["baza"] }),
    ...both("delimiter=d&prefix=%2F", {}),
    ...both("delimiter=z&prefix=b%2F", { keys: ["b/a/c", "b/a/g", "b/a/r"] }),
    ...both("delimiter=z&prefix=y", {}),
    ...both("delimiter=%2F&prefix=b", { keys: ["bar", "bazar"], prefixes: ["b/"] }),
  ),
];

const pages: readonly Row[] = [
  row(
    "max-keys ends a page and the next begins after it",
    V1,
    ...objects("foo", "bar", "baz"),
    see("GET {b}?max-keys=2", {
      xml: { "Contents/Key": ["bar", "baz"], IsTruncated: "true", MaxKeys: "2" },
    }),
    see("GET {b}?max-keys=2&marker=baz", {
      xml: { "Contents/Key": ["foo"], IsTruncated: "false", Marker: "baz" },
    }),
    see("GET {b}?list-type=2&max-keys=2", {
      xml: { "Contents/Key": ["bar", "baz"], IsTruncated: "true", KeyCount: "2" },
      save: { token: "xml NextContinuationToken" },
    }),
    see("GET {b}?list-type=2&max-keys=2&continuation-token={token}", {
      xml: {
        "Contents/Key": ["foo"],
        IsTruncated: "false",
        ContinuationToken: "{token}",
        NextContinuationToken: 0,
      },
    }),
    see("GET {b}?list-type=2&max-keys=2&start-after=baz", {
      xml: { "Contents/Key": ["foo"], StartAfter: "baz" },
    }),
  ),
  row(
    "Pages of one with a delimiter go through keys and prefixes",
    `${V1}: NextMarker`,
    ...objects("asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"),
    ...markerPages("", [
      [["asdf"], [], "asdf"],
      [[], ["boo/"], "boo/"],
      [[], ["cquux/"], undefined],
    ]),
    ...markerPages("boo/", [
      [["boo/bar"], [], "boo/bar"],
      [[], ["boo/baz/"], undefined],
    ]),
    see("GET {b}?delimiter=%2F&max-keys=2", {
      xml: { "Contents/Key": ["asdf"], "CommonPrefixes/Prefix": ["boo/"], NextMarker: "boo/" },
    }),
    see("GET {b}?delimiter=%2F&max-keys=2&marker=boo%2F", {
      xml: { Contents: 0, "CommonPrefixes/Prefix": ["cquux/"], IsTruncated: "false" },
    }),
  ),
  row(
    "The same with continuation tokens, and keys that begin with an underscore",
    `${V2}: NextContinuationToken`,
    ...objects("_obj1_", "_under1/bar", "_under1/baz/xyzzy", "_under2/thud", "_under2/bla"),
    ...tokenPages("", [
      [["_obj1_"], []],
      [[], ["_under1/"]],
      [[], ["_under2/"]],
    ]),
    ...tokenPages("_under1/", [
      [["_under1/bar"], []],
      [[], ["_under1/baz/"]],
    ]),
  ),
  row(
    "max-keys of nothing is an empty last page, and more than 1000 is 1000",
    V2,
    ...objects(...FOUR),
    ...both("max-keys=0", { more: { IsTruncated: "false", MaxKeys: "0" } }),
    ...both("max-keys=5000", { keys: FOUR, more: { MaxKeys: "1000" } }),
    ...both("", { keys: FOUR, more: { MaxKeys: "1000", IsTruncated: "false" } }),
  ),
  ...["blah", "-1", "1.5", "99999999999999999999"].map((value) =>
    row(
      `max-keys may not be ${value}`,
      "Error responses: InvalidArgument",
      fails(`GET {b}?max-keys=${value}`, 400, "InvalidArgument"),
      fails(`GET {b}?list-type=2&max-keys=${value}`, 400, "InvalidArgument"),
    ),
  ),
  row(
    "A marker need not be a key",
    V1,
    ...objects(...FOUR),
    see("GET {b}", { xml: { Marker: "", "Contents/Key": FOUR } }),
    see("GET {b}?marker=", { xml: { Marker: "", "Contents/Key": FOUR, IsTruncated: "false" } }),
    see("GET {b}?marker=%0A", { xml: { Marker: "\n", "Contents/Key": FOUR } }),
    see("GET {b}?marker=blah", { xml: { Marker: "blah", "Contents/Key": ["foo", "quxx"] } }),
    see("GET {b}?marker=zzz", { xml: { Marker: "zzz", Contents: 0, IsTruncated: "false" } }),
  ),
  row(
    "Nor need start-after",
    V2,
    ...objects(...FOUR),
    see("GET {b}?list-type=2&start-after=%0A", { xml: { StartAfter: "\n", "Contents/Key": FOUR } }),
    see("GET {b}?list-type=2&start-after=blah", {
      xml: { StartAfter: "blah", "Contents/Key": ["foo", "quxx"] },
    }),
    see("GET {b}?list-type=2&start-after=zzz", { xml: { StartAfter: "zzz", Contents: 0 } }),
    see("GET {b}?list-type=2&start-after=bar", { xml: { "Contents/Key": ["baz", "foo", "quxx"] } }),
  ),
  row(
    "A continuation token wins over start-after, which is said all the same",
    V2,
    ...objects(...FOUR),
    see("GET {b}?list-type=2&start-after=bar&max-keys=1", {
      xml: { "Contents/Key": ["baz"] },
      save: { token: "xml NextContinuationToken" },
    }),
    see("GET {b}?list-type=2&start-after=bar&continuation-token={token}", {
      xml: {
        "Contents/Key": ["foo", "quxx"],
        StartAfter: "bar",
        ContinuationToken: "{token}",
        IsTruncated: "false",
      },
    }),
  ),
  row(
    "An empty continuation token begins at the beginning, one that nobody gave is refused",
    V2,
    ...objects(...FOUR),
    see("GET {b}?list-type=2&continuation-token=", {
      xml: { "Contents/Key": FOUR, ContinuationToken: "", IsTruncated: "false" },
    }),
    fails("GET {b}?list-type=2&continuation-token=garbage%21", 400, "InvalidArgument"),
  ),
  row(
    "More than a thousand keys come in pages of a thousand",
    V2,
    ask("PUT {b}/src", { body: "x" }),
    ...Array.from({ length: 30 }, (_, at) => put(`{b}/many/${100 + at}`, "x")),
    see("GET {b}?list-type=2&prefix=many%2F&max-keys=29", {
      xml: { Contents: 29, IsTruncated: "true" },
      save: { token: "xml NextContinuationToken" },
    }),
    see("GET {b}?list-type=2&prefix=many%2F&continuation-token={token}", {
      xml: { "Contents/Key": ["many/129"], IsTruncated: "false" },
    }),
  ),
];

const said: readonly Row[] = [
  row(
    "What is listed of an object is what HEAD says of it",
    V1,
    put("{b}/foo", "bar"),
    see("HEAD {b}/foo", { status: 200, save: { etag: "header etag" } }),
    see("GET {b}", {
      xml: {
        "Contents/ETag": "{etag}",
        "Contents/Size": "3",
        "Contents/StorageClass": "STANDARD",
        "Contents/LastModified": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u,
        "Contents/Owner/ID": "{main}",
        "Contents/Owner/DisplayName": "{mainName}",
      },
    }),
  ),
  row(
    "Owners are in the second version only when asked for",
    `${V2}: fetch-owner`,
    put("{b}/foo", "bar"),
    see("GET {b}?list-type=2&fetch-owner=true", { xml: { "Contents/Owner/ID": "{main}" } }),
    see("GET {b}?list-type=2", { xml: { "Contents/Owner": 0 } }),
    see("GET {b}?list-type=2&fetch-owner=false", { xml: { "Contents/Owner": 0 } }),
  ),
  row(
    "encoding-type=url encodes keys, prefixes, markers and delimiters",
    `${V2}: EncodingType`,
    ...objects("foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "asdf+b"),
    see("GET {b}?list-type=2&delimiter=%2F&encoding-type=url", {
      xml: {
        EncodingType: "url",
        Delimiter: "/",
        "Contents/Key": ["asdf%2Bb"],
        "CommonPrefixes/Prefix": ["foo%2B1/", "foo/", "quux%20ab/"],
      },
    }),
    see("GET {b}?delimiter=%2F&encoding-type=url&marker=asdf%2B", {
      xml: { Marker: "asdf%2B", "Contents/Key": ["asdf%2Bb"] },
    }),
    fails("GET {b}?encoding-type=base64", 400, "InvalidArgument"),
  ),
  row(
    "Checksum algorithms are listed with the objects that have one",
    `${V2}: ChecksumAlgorithm`,
    put("{b}/foo", "bar", { "x-amz-checksum-crc32": checksum("crc32", "bar") }),
    see("GET {b}?list-type=2", { xml: { "Contents/ChecksumAlgorithm": ["CRC32"] } }),
  ),
  row(
    "Strangers list only what is public",
    V2,
    ask("GET {pr}", { as: "anonymous" }),
    ask("GET {pr}?list-type=2", { as: "anonymous" }),
    denied("GET {b}", { as: "anonymous" }),
    denied("GET {b}?list-type=2", { as: "alt" }),
  ),
];

function markerPages(
  prefix: string,
  expected: readonly (readonly [readonly string[], readonly string[], string | undefined])[],
): Step[] {
  let marker = "";
  return expected.map(([keys, common, next]) => {
    const line = `GET {b}?delimiter=%2F&max-keys=1&prefix=${encodeURIComponent(prefix)}&marker=${encodeURIComponent(marker)}`;
    marker = next ?? "";
    return see(line, {
      xml: {
        "Contents/Key": keys,
        "CommonPrefixes/Prefix": common,
        IsTruncated: String(next !== undefined),
        NextMarker: next === undefined ? [] : next,
      },
    });
  });
}

function tokenPages(
  prefix: string,
  expected: readonly (readonly [readonly string[], readonly string[]])[],
): Step[] {
  return expected.map(([keys, common], at) => {
    const isLast = at === expected.length - 1;
    const from = at === 0 ? "" : "&continuation-token={token}";
    return see(
      `GET {b}?list-type=2&delimiter=%2F&max-keys=1&prefix=${encodeURIComponent(prefix)}${from}`,
      {
        xml: {
          "Contents/Key": keys,
          "CommonPrefixes/Prefix": common,
          IsTruncated: String(!isLast),
        },
        ...(isLast ? {} : { save: { token: "xml NextContinuationToken" } }),
      },
    );
  });
}

export const listing = area("listing", [...delimiters, ...prefixes, ...pages, ...said]);
