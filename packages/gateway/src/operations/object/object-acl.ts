import { decodeAcl } from "../../acl/acl.ts";
import { aclOfRequest } from "../../acl/ask-acl.ts";
import { bucketRules, ownershipOf } from "../../s3/bucket-rules.ts";
import type { Operation } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { aclReply } from "../bucket/acl.ts";
import { objectOwner } from "../listing/listed-xml.ts";
import { changeObject, findObject, versionHeaders } from "./object-facts.ts";

export const getObjectAcl: Operation = {
  name: "GetObjectAcl",
  method: "GET",
  level: "object",
  query: "acl",
  action: "GetObjectAcl",
  async run(request, parts) {
    const found = await findObject(request, parts);
    const bucket = await parts.buckets.get(request.bucket);
    const owner = objectOwner(found.entry, bucket, parts);
    const ownerId = await parts.users.ownerId(owner, request.signal);
    const isEnforced = ownershipOf(bucket, parts.config) === "BucketOwnerEnforced";
    const grants = decodeAcl(isEnforced ? undefined : found.object.acl, ownerId);
    const reply = await aclReply(parts, ownerId, grants, request.signal);
    return { ...reply, headers: versionHeaders(found) };
  },
};

export const putObjectAcl: Operation = {
  name: "PutObjectAcl",
  method: "PUT",
  level: "object",
  query: "acl",
  action: "PutObjectAcl",
  async run(request, parts) {
    const { signal } = request;
    const bucket = await parts.buckets.get(request.bucket);
    let document: Promise<string> | undefined;
    const readBody = () => {
      document ??= readText(request);
      return document;
    };
    const found = await changeObject(request, parts, async ({ object }) => ({
      acl: await aclOfRequest(
        request,
        parts,
        {
          ownerId: await parts.users.ownerId(object.owner, signal),
          bucketOwnerId: await parts.users.ownerId(bucket.owner, signal),
          isBucket: false,
          ownership: ownershipOf(bucket, parts.config),
          blocksPublic: bucketRules(bucket).block.blockPublicAcls,
        },
        readBody,
      ),
    }));
    return { status: 200, headers: versionHeaders(found) };
  },
};
