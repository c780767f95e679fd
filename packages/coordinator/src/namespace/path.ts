import { CairnError, hasReason } from "@cairnfs/base/errors";

export const NAME_BYTES_MAX = 255;
export const PATH_BYTES_MAX = 4096;

/** The longest key of an object. */
export const KEY_BYTES_MAX = 1024;

/** A path that was taken apart. The root has no names. */
export interface Path {
  readonly text: string;
  readonly names: readonly string[];
  /** It is "/bucket/key": a file and a directory of the same name stand for different keys, and directories are implied. */
  readonly isKey: boolean;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The path that `text` spells: absolute, components of 1 to 255 bytes of UTF-8 divided by single slashes, at most
 * 4,096 bytes in all, no "." or "..", no NUL. Anything else is refused as `invalidPath`, naming the component and
 * the rule. A slash at the end is refused too: what a path means must not depend on it.
 */
export function parsePath(text: string): Path {
  if (text === "/") return ROOT_PATH;
  if (!text.startsWith("/")) {
    throw new CairnError("invalidPath", `${quoted(text)} is not absolute: a path starts with "/"`);
  }
  if (Buffer.byteLength(text) > PATH_BYTES_MAX) {
    throw new CairnError("invalidPath", `a path has at most ${PATH_BYTES_MAX} bytes`, {
      details: { sizeBytes: Buffer.byteLength(text), sizeBytesMax: PATH_BYTES_MAX },
    });
  }
  const names = text.slice(1).split("/");
  for (const [index, name] of names.entries()) {
    const fault = faultOf(name, index === names.length - 1);
    if (fault !== undefined) {
      throw new CairnError("invalidPath", `component ${index + 1}, ${quoted(name)}, ${fault}`, {
        details: { component: index + 1 },
      });
    }
  }
  return { text, names, isKey: false };
}

const ROOT_PATH: Path = { text: "/", names: [], isKey: false };

/**
 * The path of something that is there already, and may be an object: names may be empty, "." or "..", and as long as a key. What no
 * name of the tree can be is refused as `invalidPath`.
 */
export function parseLenientPath(text: string): Path {
  if (text === "/") return ROOT_PATH;
  if (!text.startsWith("/") || Buffer.byteLength(text) > PATH_BYTES_MAX) return parsePath(text);
  const names = text.slice(1).split("/");
  const isFine = !text.includes("\0") && !LONE_SURROGATE.test(text);
  return isFine ? { text, names, isKey: false } : parsePath(text);
}

/**
 * Does `body` with a path of something that should be there. Where nothing is, and the path breaks the naming rules, it says which
 * rule: `invalidPath`.
 */
export async function reaching<T>(text: string, body: (path: Path) => Promise<T>): Promise<T> {
  try {
    return await body(parseLenientPath(text));
  } catch (error) {
    if (hasReason(error, "pathNotFound", "notADirectory")) parsePath(text);
    throw error;
  }
}

/** The path of the object `key` in `bucket`; what cannot be a key is refused as `invalidPath`. */
export function parseKeyPath(bucket: string, key: string): Path {
  if (bucket === "" || bucket.includes("/")) {
    throw new CairnError("invalidPath", `${quoted(bucket)} is not the name of a bucket`);
  }
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes < 1 || sizeBytes > KEY_BYTES_MAX) {
    throw new CairnError(
      "invalidPath",
      `a key has ${sizeBytes} bytes, expected 1 to ${KEY_BYTES_MAX}`,
      { details: { sizeBytes, sizeBytesMax: KEY_BYTES_MAX } },
    );
  }
  return { ...parseLenientPath(`/${bucket}/${key}`), isKey: true };
}

/** The same of "/bucket/key". */
export function parseObjectPath(text: string): Path {
  const end = text.indexOf("/", 1);
  if (!text.startsWith("/") || end < 0) {
    throw new CairnError("invalidPath", `${quoted(text)} is not "/bucket/key"`);
  }
  return parseKeyPath(text.slice(1, end), text.slice(end + 1));
}

/** The key of the object at `path`, below its bucket. */
export function keyOf(path: Pick<Path, "names">): string {
  return path.names.slice(1).join("/");
}

/** What is wrong with a component; `undefined` when nothing is. */
function faultOf(name: string, isLast: boolean): string | undefined {
  if (name === "") return isLast ? 'is empty: a path does not end with "/"' : "is empty";
  if (name === "." || name === "..") return "is not a name: paths are not relative";
  if (name.includes("\0")) return "contains NUL";
  if (LONE_SURROGATE.test(name)) return "is not valid Unicode: it has half of a surrogate pair";
  // A UTF-16 unit is at most three bytes of UTF-8: most names need no counting.
  if (name.length * 3 > NAME_BYTES_MAX && Buffer.byteLength(name) > NAME_BYTES_MAX) {
    return `is longer than ${NAME_BYTES_MAX} bytes`;
  }
  return undefined;
}

/** Whether `path` is `ancestor` or lies below it. */
export function isAtOrBelow(path: string, ancestor: string): boolean {
  if (ancestor === "/") return true;
  return (
    path.startsWith(ancestor) && (path.length === ancestor.length || path[ancestor.length] === "/")
  );
}

/** A name for a message: short, on one line. */
function quoted(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}
