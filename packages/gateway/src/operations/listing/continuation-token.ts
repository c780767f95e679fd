import { invalidArgument } from "../../s3/errors.ts";

const VERSION = "1:";

/** Where a listing goes on, as clients are given it. */
export function continuationToken(after: string): string {
  return Buffer.from(`${VERSION}${after}`).toString("base64url");
}

/** Where the listing goes on that gave this token; refuses what is none. An empty one starts from the beginning. */
export function afterOfToken(token: string): string {
  if (token === "") return "";
  const bytes = Buffer.from(token, "base64url");
  const text = bytes.toString("utf8");
  const isOurs =
    /^[A-Za-z0-9_-]+$/.test(token) &&
    text.startsWith(VERSION) &&
    continuationToken(text.slice(VERSION.length)) === token;
  if (!isOurs) {
    throw invalidArgument(
      "continuation-token",
      token,
      "The continuation token provided is incorrect",
    );
  }
  return text.slice(VERSION.length);
}
