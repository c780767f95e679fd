/** Listings as simple as can be: what the real ones should give. */

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

/** A version as a model has it, and where it is kept. */
export interface ModelVersion {
  readonly key: string;
  readonly sequence: number;
  readonly isNull: boolean;
  readonly place: "tree" | "kept" | "marker";
}

export interface ListVersionsRequest {
  readonly prefix: string;
  readonly delimiter: string;
  readonly afterKey: string;
  readonly afterVersionId: string;
  readonly limit: number;
}

export interface ListedVersionLine {
  readonly key: string;
  /** Empty of a common prefix. */
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isMarker: boolean;
}

export interface ListedVersions {
  readonly items: readonly ListedVersionLine[];
  readonly next: { readonly afterKey: string; readonly afterVersionId: string } | undefined;
}

/** Keys in byte order. */
export function sortKeys(keys: Iterable<string>): string[] {
  return [...keys].sort(compareKeys);
}

/** What a request for a page of these sorted keys should be answered. */
export function modelPage(sorted: readonly string[], request: ListRequest): ListedPage {
  const { prefix, delimiter, after, limit } = request;
  const all: string[] = [];
  for (const key of sorted) {
    if (!key.startsWith(prefix) || !isAfter(key, after, request)) continue;
    const shown = rolledUp(key, prefix, delimiter) ?? key;
    if (all.at(-1) !== shown) all.push(shown);
  }
  const keys = all.slice(0, limit);
  return { keys, nextAfter: all.length > limit ? (keys.at(-1) ?? "") : "" };
}

/** What a request for a page of these versions should be answered. */
export function modelVersionsPage(
  versions: readonly ModelVersion[],
  request: ListVersionsRequest,
): ListedVersions {
  const { prefix, delimiter, afterKey, afterVersionId, limit } = request;
  const sorted = [...versions].sort((a, b) => compareKeys(a.key, b.key) || b.sequence - a.sequence);
  const lines: ListedVersionLine[] = [];
  const isRolledUp = rolledUp(afterKey, prefix, delimiter) === afterKey;
  const marker = sorted.find(
    (version) => version.key === afterKey && idOf(version) === afterVersionId && !isRolledUp,
  );
  for (const [at, version] of sorted.entries()) {
    const { key, place } = version;
    if (!key.startsWith(prefix)) continue;
    const isOlder = key === afterKey && marker !== undefined && version.sequence < marker.sequence;
    if (!isOlder && !isAfter(key, afterKey, request)) continue;
    const common = rolledUp(key, prefix, delimiter);
    if (common !== undefined) {
      const line = { key: common, versionId: "", isLatest: false, isMarker: false };
      if (lines.at(-1)?.key !== common) lines.push(line);
      continue;
    }
    const isNewest = sorted[at - 1]?.key !== key;
    const isLatest = isNewest && place !== "kept";
    lines.push({ key, versionId: idOf(version), isLatest, isMarker: place === "marker" });
  }
  const items = lines.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    next:
      lines.length > limit && last !== undefined
        ? { afterKey: last.key, afterVersionId: last.versionId }
        : undefined,
  };
}

/** A request that can be told apart in a failure's message. */
export function asciiOf(request: object): string {
  return JSON.stringify(request).replace(
    /[^ -~]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

function idOf({ sequence, isNull }: ModelVersion): string {
  return isNull || sequence === 0 ? "null" : sequence.toString(16).padStart(16, "0");
}

function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function rolledUp(key: string, prefix: string, delimiter: string): string | undefined {
  const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function isAfter(
  key: string,
  after: string,
  { prefix, delimiter }: { readonly prefix: string; readonly delimiter: string },
): boolean {
  if (compareKeys(key, after) <= 0) return false;
  const isRolledUp = after.startsWith(prefix) && rolledUp(after, prefix, delimiter) === after;
  return !(isRolledUp && key.startsWith(after));
}
