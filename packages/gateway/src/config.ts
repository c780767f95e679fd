import * as z from "zod";

const SECOND_MS = 1000;
const KIB = 1024;

/** Every knob of a gateway, with its default and its bounds. docs/reference/config.md is made from it. */
export const gatewaySettings = z.object({
  address: z
    .string()
    .min(1)
    .default("127.0.0.1:7090")
    .describe("Where S3 clients reach the gateway: host:port of HTTP."),
  allowInsecureBind: z
    .boolean()
    .default(false)
    .describe(
      "Listen on addresses that other machines can reach although traffic is not encrypted. For networks without strangers, and behind a proxy that does TLS.",
    ),
  region: z
    .string()
    .min(1)
    .max(64)
    .default("us-east-1")
    .describe("The region that requests are signed for and buckets are in."),
  domains: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Host names whose first label is a bucket: with s3.example.com, photos.s3.example.com is the bucket photos. None: buckets are in the path alone.",
    ),
  objectOwnership: z
    .enum(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"])
    .default("ObjectWriter")
    .describe(
      "What holds in buckets without ownership controls: BucketOwnerEnforced switches access control lists off, BucketOwnerPreferred gives the bucket's owner what is put with full control for it, ObjectWriter leaves objects to who wrote them.",
    ),
  usersMakeBuckets: z
    .boolean()
    .default(true)
    .describe(
      "Users without policies may make buckets, which are theirs. Users with policies may do what those say.",
    ),
  defaultChecksum: z
    .enum(["crc64nvme", "none"])
    .default("crc64nvme")
    .describe(
      "The checksum that is taken of objects whose writer gives none, and told to who asks. none: saves half a second of CPU for each GB.",
    ),
  requestsMax: z
    .number()
    .int()
    .min(1)
    .default(1024)
    .describe("The most requests under way at once; more are answered with SlowDown."),
  connectionsMax: z
    .number()
    .int()
    .min(1)
    .default(8192)
    .describe("The most connections at once; more are closed as they come."),
  headerBytesMax: z
    .number()
    .int()
    .min(8 * KIB)
    .max(1024 * KIB)
    .default(32 * KIB)
    .describe("The most bytes of the request line and the headers of a request."),
  headersTimeoutMs: z
    .number()
    .int()
    .min(100)
    .default(20 * SECOND_MS)
    .describe("How long the headers of a request may take to come."),
  keepAliveMs: z
    .number()
    .int()
    .min(0)
    .default(65 * SECOND_MS)
    .describe("How long a connection without a request stays open."),
  stallMs: z
    .number()
    .int()
    .min(100)
    .default(60 * SECOND_MS)
    .describe(
      "A client that sends none of its body, or takes none of the reply, for this long is given up.",
    ),
  closeGraceMs: z
    .number()
    .int()
    .min(0)
    .default(10 * SECOND_MS)
    .describe("How long requests under way may take to end when the gateway stops."),
});
export type GatewayConfig = z.infer<typeof gatewaySettings>;
