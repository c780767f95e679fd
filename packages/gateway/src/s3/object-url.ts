import type { S3Request } from "./operation.ts";

/** Where the object of a request is, by the host and in the style that the request was sent in. */
export function objectUrl({
  bucket,
  key,
  headers,
  isSecure,
  isVirtualHosted,
}: Pick<S3Request, "bucket" | "key" | "headers" | "isSecure" | "isVirtualHosted">): string {
  const path = isVirtualHosted ? key : `${bucket}/${key}`;
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${isSecure ? "https" : "http"}://${headers.host ?? ""}/${encoded}`;
}
