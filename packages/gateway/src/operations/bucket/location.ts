import type { Operation } from "../../s3/operation.ts";
import { escapeXml, xmlDocument } from "../../xml/write.ts";

/** The region that S3 writes as nothing. */
const FIRST_REGION = "us-east-1";

export const getBucketLocation: Operation = {
  name: "GetBucketLocation",
  method: "GET",
  level: "bucket",
  query: "location",
  action: "GetBucketLocation",
  async run(request, parts) {
    const bucket = await parts.buckets.get(request.bucket);
    const region = bucket.region || parts.config.region;
    const body = xmlDocument(
      "LocationConstraint",
      region === FIRST_REGION ? "" : escapeXml(region),
    );
    return { status: 200, body };
  },
};
