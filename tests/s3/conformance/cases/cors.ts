import { area, ask, denied, fails, put, type Row, row, type Step, see } from "../support/case.ts";
import { document } from "../support/documents.ts";

const GUIDE = "User guide: Using cross-origin resource sharing (CORS)";
const PREFLIGHT = `${GUIDE}: How does Amazon S3 evaluate the CORS configuration on a bucket?`;

interface Rule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers?: readonly string[];
  readonly exposed?: readonly string[];
  readonly maxAgeS?: number;
}

function cors(...rules: readonly Rule[]): string {
  const each = rules.map((rule) => {
    const lists = [
      ["AllowedOrigin", rule.origins],
      ["AllowedMethod", rule.methods],
      ["AllowedHeader", rule.headers ?? []],
      ["ExposeHeader", rule.exposed ?? []],
      ["MaxAgeSeconds", rule.maxAgeS === undefined ? [] : [String(rule.maxAgeS)]],
    ] as const;
    const content = lists.flatMap(([name, values]) =>
      values.map((value) => `<${name}>${value}</${name}>`),
    );
    return `<CORSRule>${content.join("")}</CORSRule>`;
  });
  return document("CORSConfiguration", each.join(""));
}

const SEVERAL = cors(
  { origins: ["*suffix"], methods: ["GET"] },
  { origins: ["start*end"], methods: ["GET"] },
  { origins: ["prefix*"], methods: ["GET"] },
  { origins: ["*.put"], methods: ["PUT"] },
);

/** Asks without a signature, and sees what is allowed; nothing when `origin` is absent from the answer. */
function cross(
  line: string,
  status: number,
  headers: Record<string, string>,
  allowed?: readonly [origin: string, methods: string],
): Step {
  return ask(
    line,
    { as: "anonymous", headers, patienceMs: 2500 },
    {
      status,
      headers: {
        "access-control-allow-origin": allowed?.[0] ?? null,
        "access-control-allow-methods": allowed?.[1] ?? null,
      },
    },
  );
}

/** Which origins SEVERAL allows to GET. */
const ORIGINS: readonly (readonly [string, boolean])[] = [
  ["foo.suffix", true],
  ["foo.bar", false],
  ["foo.suffix.get", false],
  ["startend", true],
  ["start1end", true],
  ["start12end", true],
  ["0start12end", false],
  ["prefix", true],
  ["prefix.suffix", true],
  ["bla.prefix", false],
];

const PUT_CORS = ask("PUT {pr}?cors", { body: SEVERAL });

const configurations: readonly Row[] = [
  row(
    "A configuration is put, read and removed",
    "PutBucketCors, GetBucketCors, DeleteBucketCors",
    fails("GET {b}?cors", 404, "NoSuchCORSConfiguration"),
    ask("PUT {b}?cors", {
      body: cors({
        origins: ["*.get", "*.put"],
        methods: ["GET", "PUT"],
        headers: ["*"],
        exposed: ["x-amz-request-id"],
        maxAgeS: 3000,
      }),
    }),
    see("GET {b}?cors", {
      xml: {
        "CORSRule/AllowedOrigin": ["*.get", "*.put"],
        "CORSRule/AllowedMethod": ["GET", "PUT"],
        "CORSRule/AllowedHeader": "*",
        "CORSRule/ExposeHeader": "x-amz-request-id",
        "CORSRule/MaxAgeSeconds": "3000",
      },
    }),
    ask("DELETE {b}?cors"),
    fails("GET {b}?cors", 404, "NoSuchCORSConfiguration"),
  ),
  ...(
    [
      ["no rules", cors()],
      ["a rule without an origin", cors({ origins: [], methods: ["GET"] })],
      ["a rule without a method", cors({ origins: ["*"], methods: [] })],
      ["an unknown method", cors({ origins: ["*"], methods: ["PATCH"] })],
      ["two stars in an origin", cors({ origins: ["*a*"], methods: ["GET"] })],
      ["two stars in a header", cors({ origins: ["*"], methods: ["GET"], headers: ["*-*"] })],
      [
        "more than a hundred rules",
        cors(...Array.from({ length: 101 }, () => ({ origins: ["*"], methods: ["GET"] }))),
      ],
      ["what is no XML", "<CORSConfiguration>"],
    ] as const
  ).map(([what, body]) =>
    row(
      `A configuration with ${what} is refused`,
      "PutBucketCors",
      fails("PUT {b}?cors", 400, ["MalformedXML", "InvalidRequest"], { body }),
    ),
  ),
  row(
    "Strangers see and set no configuration",
    "PutBucketCors",
    denied("PUT {b}?cors", { as: "alt", body: SEVERAL }),
    denied("GET {b}?cors", { as: "alt" }),
    denied("DELETE {b}?cors", { as: "alt" }),
  ),
];

const requests: readonly Row[] = [
  ...ORIGINS.map(([origin, isAllowed]) =>
    row(
      `The origin ${origin} is ${isAllowed ? "" : "not "}allowed to GET`,
      PREFLIGHT,
      PUT_CORS,
      cross("GET {pr}", 200, { origin }, isAllowed ? [origin, "GET"] : undefined),
      cross(
        "OPTIONS {pr}",
        isAllowed ? 200 : 403,
        { origin, "access-control-request-method": "GET" },
        isAllowed ? [origin, "GET"] : undefined,
      ),
      cross(
        "OPTIONS {pr}/bar",
        isAllowed ? 200 : 403,
        { origin, "access-control-request-method": "GET" },
        isAllowed ? [origin, "GET"] : undefined,
      ),
    ),
  ),
  row(
    "Errors are shared with the origin like other answers",
    PREFLIGHT,
    PUT_CORS,
    cross("GET {pr}/gone", 404, { origin: "foo.suffix" }, ["foo.suffix", "GET"]),
    cross("PUT {pr}/bar", 403, { origin: "foo.suffix" }),
    cross("PUT {pr}/bar", 403, { origin: "foo.put" }, ["foo.put", "PUT"]),
    cross("PUT {pr}/bar", 403, { origin: "foo.suffix", "access-control-request-method": "GET" }, [
      "foo.suffix",
      "GET",
    ]),
    cross("PUT {pr}/bar", 403, { origin: "foo.suffix", "access-control-request-method": "PUT" }),
    cross("PUT {pr}/bar", 403, { origin: "foo.suffix", "access-control-request-method": "DELETE" }),
  ),
  row(
    "A preflight says what it wants to do, and from where",
    `${GUIDE}: preflight requests`,
    PUT_CORS,
    cross("OPTIONS {pr}", 400, {}),
    cross("OPTIONS {pr}", 400, { origin: "foo.suffix" }),
    cross("OPTIONS {pr}", 403, { origin: "foo.put", "access-control-request-method": "GET" }),
    cross("OPTIONS {pr}", 200, { origin: "foo.put", "access-control-request-method": "PUT" }, [
      "foo.put",
      "PUT",
    ]),
    cross("OPTIONS {b}", 403, { origin: "foo.suffix", "access-control-request-method": "GET" }),
    cross("OPTIONS {b}/key", 400, {}),
  ),
  row("Without an origin nothing is shared", PREFLIGHT, PUT_CORS, cross("GET {pr}", 200, {})),
  row(
    "The star is said as a star, and varies with nothing else",
    PREFLIGHT,
    ask("PUT {pr}?cors", { body: cors({ origins: ["*"], methods: ["GET"] }) }),
    cross("GET {pr}", 200, { origin: "example.origin" }, ["*", "GET"]),
  ),
  row(
    "Headers that a preflight asks for must be allowed",
    `${GUIDE}: AllowedHeader, ExposeHeader, MaxAgeSeconds`,
    ask("PUT {pr}?cors", {
      body: cors({
        origins: ["http://a.com"],
        methods: ["GET", "PUT"],
        headers: ["x-amz-meta-*", "Content-Type"],
        exposed: ["ETag", "x-amz-request-id"],
        maxAgeS: 60,
      }),
    }),
    ask(
      "OPTIONS {pr}/bar",
      {
        as: "anonymous",
        patienceMs: 2500,
        headers: {
          origin: "http://a.com",
          "access-control-request-method": "PUT",
          "access-control-request-headers": "x-amz-meta-a, content-type",
        },
      },
      {
        headers: {
          "access-control-allow-headers": /x-amz-meta-a, *content-type/iu,
          "access-control-allow-methods": "GET, PUT",
          "access-control-expose-headers": /ETag, *x-amz-request-id/iu,
          "access-control-max-age": "60",
          "access-control-allow-credentials": "true",
          vary: /Origin/iu,
        },
      },
    ),
    cross("OPTIONS {pr}/bar", 403, {
      origin: "http://a.com",
      "access-control-request-method": "GET",
      "access-control-request-headers": "x-other",
    }),
  ),
  row(
    "A signed URL is checked before like any other",
    PREFLIGHT,
    put("{pr}/foo", "bar"),
    ask("OPTIONS {pr}/foo", { signing: { style: "presigned" } }, { status: 400 }),
    ask("PUT {pr}?cors", { body: cors({ origins: ["example"], methods: ["PUT"] }) }),
    ask(
      "OPTIONS {pr}/foo",
      {
        signing: { style: "presigned" },
        patienceMs: 2500,
        headers: { origin: "example", "access-control-request-method": "PUT" },
      },
      {
        headers: {
          "access-control-allow-origin": "example",
          "access-control-allow-methods": "PUT",
        },
      },
    ),
  ),
];

export const corsRows = area("CORS", [...configurations, ...requests]);
