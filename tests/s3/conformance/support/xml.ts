/** An element of an answer: its name without prefix, its text, its children. */
export interface Element {
  readonly name: string;
  text: string;
  readonly attributes: string;
  readonly children: Element[];
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** Reads a whole document; throws where it is not well formed, so that a broken answer is seen as broken. */
export function readXml(text: string): Element {
  const root: Element = { name: "", text: "", attributes: "", children: [] };
  const open: Element[] = [root];
  const token = /<\?[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([\w:.-]+)([^<>]*?)(\/?)>|([^<]+)/gu;
  let at = 0;
  for (const match of text.matchAll(token)) {
    if (match.index !== at) throw new Error(`not XML at ${at}: ${text.slice(at, at + 40)}`);
    at += match[0].length;
    const [, slash, name, attributes = "", closed, content] = match;
    const current = open.at(-1) ?? root;
    if (content !== undefined) current.text += decode(content);
    else if (name === undefined) continue;
    else if (slash === "/") {
      if (current.name !== local(name)) throw new Error(`</${name}> closes <${current.name}>`);
      open.pop();
    } else {
      const element: Element = { name: local(name), text: "", attributes, children: [] };
      current.children.push(element);
      if (closed === "") open.push(element);
    }
  }
  const [only] = root.children;
  if (at !== text.length || open.length !== 1 || only === undefined || root.children.length !== 1)
    throw new Error(`not one XML document: ${text.slice(0, 200)}`);
  return only;
}

/** All elements that the path leads to, from the children of `element`. "." is the element itself. */
export function find(element: Element, path: string): Element[] {
  if (path === ".") return [element];
  return path
    .split("/")
    .reduce<Element[]>(
      (found, name) =>
        found.flatMap((each) => each.children.filter((child) => child.name === name)),
      [element],
    );
}

function local(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function decode(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/giu, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}
