import { createHash } from "node:crypto";

/** The options of a request for a subresource, of the newest version or of this one. */
export function mark(name: string, versionId?: unknown) {
  return {
    query: { [name]: undefined, ...(versionId !== undefined && { versionId: String(versionId) }) },
  };
}

/** A `Tagging` document. */
export function tagging(...pairs: readonly (readonly [string, string])[]): string {
  const tags = pairs.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
  return `<Tagging><TagSet>${tags.join("")}</TagSet></Tagging>`;
}

/** A `Delete` document with the options of its request. */
export function deletion(inner: string) {
  const body = `<Delete>${inner}</Delete>`;
  const md5 = createHash("md5").update(body).digest("base64");
  return [body, { ...mark("delete"), headers: { "content-md5": md5 } }] as const;
}
