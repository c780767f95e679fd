/** A listing as simple as can be: what the real one should give. */

export interface ListRequest {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly limit: number;
}

export interface ListedPage {
  readonly keys: readonly string[];
  readonly nextAfter: string;
}

/** Keys in byte order. */
export function sortKeys(keys: Iterable<string>): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** What a request for a page of these sorted keys should be answered. */
export function modelPage(sorted: readonly string[], request: ListRequest): ListedPage {
  const { prefix, delimiter, after, limit } = request;
  const rolledUp = (key: string) => {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    return at < 0 ? key : key.slice(0, at + delimiter.length);
  };
  const isAfterPrefix = after.startsWith(prefix) && after !== prefix && rolledUp(after) === after;
  const isRolledUp = isAfterPrefix && delimiter !== "" && after.endsWith(delimiter);
  const all: string[] = [];
  for (const key of sorted) {
    if (!key.startsWith(prefix)) continue;
    if (Buffer.compare(Buffer.from(key), Buffer.from(after)) <= 0) continue;
    if (isRolledUp && key.startsWith(after)) continue;
    const shown = rolledUp(key);
    if (all.at(-1) !== shown) all.push(shown);
  }
  const keys = all.slice(0, limit);
  return { keys, nextAfter: all.length > limit ? (keys.at(-1) ?? "") : "" };
}

/** A request that can be told apart in a failure's message. */
export function asciiOf(request: ListRequest): string {
  return JSON.stringify(request).replace(
    /[^ -~]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
