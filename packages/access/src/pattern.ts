/**
 * Patterns with "*" for any characters and "?" for one. While they are worked on the two are stood for by characters that no
 * text has, so that what a variable puts in stays text.
 */

const ANY = "\ufffe";
const ONE = "\uffff";
const ONE_CODE = 0xffff;
const STANDINS = /[\ufffe\uffff]/gu;

/** What a variable is in a request; undefined when the request does not have it. */
export type VariableLookup = (name: string) => string | undefined;

const VARIABLE = /\$\{(?:([*?$])|\s*([A-Za-z0-9:_.\-/]+)\s*(?:,\s*'([^'}]*)'\s*)?)\}/gu;

/** Whether the text is as the pattern; it takes time in proportion to the product of their lengths at most. */
export function matches(pattern: string, text: string): boolean {
  return matchesPrepared(prepared(pattern), text);
}

/** Whether the text is as the pattern, with variables; never when one of them is not there. */
export function matchesWith(pattern: string, text: string, lookup: VariableLookup): boolean {
  if (!pattern.includes("${")) return matches(pattern, text);
  const expanded = expand(pattern, lookup);
  return expanded !== undefined && matchesPrepared(expanded, text);
}

/** The value with its variables; undefined when one of them is not there. */
export function substituted(value: string, lookup: VariableLookup): string | undefined {
  if (!value.includes("${")) return value;
  let isWhole = true;
  const text = value.replaceAll(
    VARIABLE,
    (_, mark: string | undefined, name: string | undefined, fallback: string | undefined) => {
      if (mark !== undefined) return mark;
      const found = lookup(name ?? "") ?? fallback;
      if (found === undefined) isWhole = false;
      return found ?? "";
    },
  );
  return isWhole ? text : undefined;
}

function expand(pattern: string, lookup: VariableLookup): string | undefined {
  let expanded = "";
  let at = 0;
  for (const found of pattern.matchAll(VARIABLE)) {
    const [whole, mark, name, fallback] = found;
    expanded += prepared(pattern.slice(at, found.index));
    at = found.index + whole.length;
    const value = mark ?? lookup(name ?? "") ?? fallback;
    if (value === undefined) return undefined;
    expanded += literal(value);
  }
  return expanded + prepared(pattern.slice(at));
}

function prepared(pattern: string): string {
  const plain = literal(pattern);
  if (!plain.includes("*") && !plain.includes("?")) return plain;
  return plain.replaceAll(/\*+/gu, ANY).replaceAll("?", ONE);
}

function literal(text: string): string {
  return text.replaceAll(STANDINS, "\ufffd");
}

/** What stands between two "*" is looked for once, from where the one before ended: earlier places leave the most for the rest. */
function matchesPrepared(pattern: string, text: string): boolean {
  const [first = "", ...between] = pattern.split(ANY);
  const last = between.pop();
  if (last === undefined) return first.length === text.length && isAt(first, text, 0);
  const end = text.length - last.length;
  let at = first.length;
  if (end < at || !isAt(first, text, 0) || !isAt(last, text, end)) return false;
  for (const piece of between) {
    const found = indexOf(piece, text, at, end);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return true;
}

/** Where the piece is, from `start` on and before `end`; -1 when it is not there. */
function indexOf(piece: string, text: string, start: number, end: number): number {
  if (piece.includes(ONE)) return indexOfLike(piece, text, start, end);
  const found = text.indexOf(piece, start);
  return found + piece.length <= end ? found : -1;
}

/** The same with "?" in the piece, all its places at once: a bit of `begun` says up to where a place of it goes on. */
function indexOfLike(piece: string, text: string, start: number, end: number): number {
  const places = new Map<number, bigint>();
  for (let at = 0; at < piece.length; at++) {
    const code = piece.charCodeAt(at);
    places.set(code, (places.get(code) ?? 0n) | (1n << BigInt(at)));
  }
  const ofAny = places.get(ONE_CODE) ?? 0n;
  const whole = 1n << BigInt(piece.length - 1);
  let begun = 0n;
  for (let at = start; at < end; at++) {
    begun = ((begun << 1n) | 1n) & (ofAny | (places.get(text.charCodeAt(at)) ?? 0n));
    if ((begun & whole) !== 0n) return at + 1 - piece.length;
  }
  return -1;
}

function isAt(piece: string, text: string, start: number): boolean {
  if (!piece.includes(ONE)) return text.startsWith(piece, start);
  for (let at = 0; at < piece.length; at++) {
    const wanted = piece.charCodeAt(at);
    if (wanted !== ONE_CODE && wanted !== text.charCodeAt(start + at)) return false;
  }
  return true;
}
