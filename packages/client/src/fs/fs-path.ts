import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/** A path as `node:fs` takes it. Relative ones start at the root. */
export type PathLike = string | Uint8Array | URL;

/** The path in the cluster: absolute, without "." and "..", without a slash at its end. */
export function clusterPath(path: PathLike): string {
  const text = pathText(path);
  const absolute = posix.resolve("/", text);
  return absolute;
}

/** The path as it was given, for messages. */
export function pathText(path: PathLike): string {
  if (typeof path === "string") return checkNul(path);
  if (path instanceof Uint8Array) return checkNul(Buffer.from(path).toString("utf8"));
  if (path instanceof URL) return checkNul(fileURLToPath(path));
  const error = new TypeError(
    `The "path" argument must be of type string or an instance of Buffer or URL. Received ${typeof path}`,
  );
  throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

function checkNul(text: string): string {
  if (!text.includes("\0")) return text;
  const error = new TypeError("The argument 'path' must be a string without null bytes");
  throw Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" });
}
