import { decodeUri } from "../http/addressing.ts";
import { invalidArgument } from "./errors.ts";
import type { RequestHeaders } from "./operation.ts";

/** What a copy is made of. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  /** `undefined`: the newest. */
  readonly versionId: string | undefined;
}

const HEADER = "x-amz-copy-source";

/** What the header `x-amz-copy-source` names; `undefined` without it. */
export function copySource(headers: RequestHeaders): CopySource | undefined {
  const header = headers[HEADER];
  return header === undefined ? undefined : parseSource(header, HEADER);
}

/** A source as headers write it: bucket and key, percent-encoded, and perhaps a version. */
function parseSource(header: string, name: string): CopySource {
  const mark = header.lastIndexOf("?versionId=");
  const path = mark === -1 ? header : header.slice(0, mark);
  const versionId = mark === -1 ? undefined : header.slice(mark + "?versionId=".length);
  const decoded = decodeUri(path).replace(/^\//, "");
  const slash = decoded.indexOf("/");
  const bucket = decoded.slice(0, Math.max(slash, 0));
  const key = decoded.slice(slash + 1);
  if (bucket === "" || key === "" || versionId === "") {
    throw invalidArgument(
      name,
      header,
      "You can only specify a copy source in the form bucket/key, with a version id or without",
    );
  }
  return { bucket, key, versionId };
}
