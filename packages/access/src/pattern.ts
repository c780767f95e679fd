/**
 * Patterns with "*" for any characters and "?" for one. While they are worked on the two are stood for by characters that no
 * text has, so that what a variable puts in stays text.
 */

const ANY = "\ufffe";
const ONE = "\uffff";
const STANDINS = /[\ufffe\uffff]/gu;

/** What a variable is in a request; undefined when the request does not have it. */
export type VariableLookup = (name: string) => string | undefined;

const VARIABLE = /\$\{(?:([*?$])|\s*([A-Za-z0-9:_.\-/]+)\s*(?:,\s*'([^'}]*)'\s*)?)\}/gu;

/** Whether the text is as the pattern; it takes at most time in proportion to both. */
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

/** Goes back to the last "*" where it does not go on: what is before it never needs another look. */
function matchesPrepared(pattern: string, text: string): boolean {
  let at = 0;
  let patternAt = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (at < text.length) {
    const wanted = pattern[patternAt];
    if (wanted === ANY) {
      starAt = patternAt;
      patternAt += 1;
      resumeAt = at;
    } else if (wanted === ONE || (wanted !== undefined && wanted === text[at])) {
      patternAt += 1;
      at += 1;
    } else if (starAt !== -1) {
      resumeAt += 1;
      at = resumeAt;
      patternAt = starAt + 1;
    } else {
      return false;
    }
  }
  while (pattern[patternAt] === ANY) patternAt += 1;
  return patternAt === pattern.length;
}
