import { CairnError } from "@cairnfs/base/errors";

export const NAME_BYTES_MAX = 255;
export const PATH_BYTES_MAX = 4096;

/** A path that keeps the naming rules. The root has no names. */
export interface Path {
  readonly text: string;
  readonly names: readonly string[];
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The path that `text` spells: absolute, components of 1 to 255 bytes of UTF-8 divided by single slashes, at most
 * 4,096 bytes in all, no "." or "..", no NUL. Anything else is refused as `invalidPath`, naming the component and
 * the rule. A slash at the end is refused too: what a path means must not depend on it.
 */
export function parsePath(text: string): Path {
  if (text === "/") return { text, names: [] };
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
  return { text, names };
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
