/** Whether a path has characters that match more than themselves. */
export function isPattern(path: string): boolean {
  return /[*?[\\]/u.test(path);
}

/**
 * The matcher of one component: `*` any characters, `?` one, `[a-z]` one of a set, `[!a]` one not of it, `\*` itself.
 * A leading dot is matched by a dot only, as in the shell. `**`, which crosses components, is the walker's affair.
 */
export function componentMatcher(pattern: string): (name: string) => boolean {
  if (!isPattern(pattern)) return (name) => name === pattern;
  const expression = new RegExp(`^${toExpression(pattern)}$`, "su");
  const takesDots = pattern.startsWith(".") || pattern.startsWith("\\.");
  return (name) => (takesDots || !name.startsWith(".")) && expression.test(name);
}

/** The component without its escapes: the name it spells when it is no pattern. */
export function unescaped(component: string): string {
  return component.replaceAll(/\\(.)/gsu, "$1");
}

const TOKEN =
  /\\(?<escaped>.)|\[(?<negation>[!^]?)(?<set>\]?[^\]]*)\]|(?<stars>\*+)|(?<one>\?)|(?<plain>.)/gsu;

function toExpression(pattern: string): string {
  let expression = "";
  for (const token of pattern.matchAll(TOKEN)) {
    const { escaped, negation, set, stars, one, plain } = token.groups ?? {};
    // Runs of stars mean one: each would multiply the work of matching.
    if (stars !== undefined) expression += ".*";
    else if (one !== undefined) expression += ".";
    else if (set === undefined) expression += literal(escaped ?? plain ?? "");
    else if (set === "") expression += literal(token[0]);
    else expression += `[${negation === "" ? "" : "^"}${setMembers(set)}]`;
  }
  return expression;
}

/** A range that runs backwards is its three characters: nobody else could be meant. */
function setMembers(set: string): string {
  return set.replaceAll(/(?<from>.)-(?<to>.)|./gsu, (text, from?: string, to?: string) =>
    from !== undefined && to !== undefined && from <= to
      ? `${literal(from)}-${literal(to)}`
      : literal(text),
  );
}

function literal(text: string): string {
  return text.replaceAll(/[\^$\\.*+?()[\]{}|/-]/gu, String.raw`\$&`);
}
