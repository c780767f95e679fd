import { MAX_OBJECT_TAGS, readTagging, tagSetXml } from "../../documents/tagging.ts";
import type { Operation } from "../../s3/operation.ts";
import { readText } from "../../s3/read-document.ts";
import { xmlDocument } from "../../xml/write.ts";
import { changeObject, findObject, versionHeaders } from "./object-facts.ts";

export const getObjectTagging: Operation = {
  name: "GetObjectTagging",
  method: "GET",
  level: "object",
  query: "tagging",
  action: "GetObjectTagging",
  async run(request, parts) {
    const found = await findObject(request, parts);
    const body = xmlDocument("Tagging", tagSetXml(found.object.tags));
    return { status: 200, headers: versionHeaders(found), body };
  },
};

export const putObjectTagging: Operation = {
  name: "PutObjectTagging",
  method: "PUT",
  level: "object",
  query: "tagging",
  action: "PutObjectTagging",
  async run(request, parts) {
    const tags = readTagging(await readText(request), MAX_OBJECT_TAGS);
    const found = await changeObject(request, parts, () => ({ tags }));
    return { status: 200, headers: versionHeaders(found) };
  },
};

export const deleteObjectTagging: Operation = {
  name: "DeleteObjectTagging",
  method: "DELETE",
  level: "object",
  query: "tagging",
  action: "DeleteObjectTagging",
  async run(request, parts) {
    const found = await changeObject(request, parts, () => ({ tags: {} }));
    return { status: 204, headers: versionHeaders(found) };
  },
};
