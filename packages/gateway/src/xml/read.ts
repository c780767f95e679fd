import { S3Error } from "../s3/errors.ts";

/** An element of a document, its name and its attributes' names without their prefixes. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** What is directly in it, white space included, entities resolved. */
  readonly text: string;
}

const DEPTH_MAX = 32;
const ELEMENTS_MAX = 100_000;
const NAME = /[\p{L}_][\p{L}\p{N}_.-]*(?::[\p{L}_][\p{L}\p{N}_.-]*)?/uy;
const ATTRIBUTE = /\s+([\p{L}_][\p{L}\p{N}_.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/uy;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/**
 * Reads a document strictly: what S3 takes and nothing that XML could do beside. No document type, no entities but the five and
 * references to characters, at most 32 levels and 100,000 elements. Anything else is `MalformedXML`.
 */
export function readXml(text: string): XmlElement {
  return new XmlReader(text).document();
}

/** The children of this name. */
export function childrenOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((child) => child.name === name);
}

/** The only child of this name; undefined without one, `MalformedXML` with several. */
export function childOf(parent: XmlElement, name: string): XmlElement | undefined {
  const found = childrenOf(parent, name);
  if (found.length > 1) throw new S3Error("MalformedXML");
  return found[0];
}

/** The text of the only child of this name, without white space around it. */
export function childText(parent: XmlElement, name: string): string | undefined {
  return childOf(parent, name)?.text.trim();
}

interface OpenElement {
  readonly rawName: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

class XmlReader {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): XmlElement {
    if (this.#text.startsWith("\ufeff")) this.#at = 1;
    if (this.#text.startsWith("<?xml", this.#at)) this.#skipTo("?>");
    this.#skipMisc();
    const root = this.#root();
    this.#skipMisc();
    if (this.#at < this.#text.length) throw malformed();
    return root;
  }

  /** White space and comments. */
  #skipMisc(): void {
    for (;;) {
      const space = /\s*/uy;
      space.lastIndex = this.#at;
      this.#at += space.exec(this.#text)?.[0].length ?? 0;
      if (!this.#text.startsWith("<!--", this.#at)) return;
      this.#skipTo("-->");
    }
  }

  #skipTo(end: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found < 0) throw malformed();
    this.#at = found + end.length;
  }

  #root(): XmlElement {
    const open: OpenElement[] = [];
    for (;;) {
      const top = open.at(-1);
      if (top !== undefined) this.#addText(top);
      if (this.#skipUnparsed(top)) continue;
      const closed = this.#text.startsWith("</", this.#at)
        ? this.#closeTop(open.pop())
        : this.#openInto(open);
      if (closed === undefined) continue;
      const parent = open.at(-1);
      if (parent === undefined) return closed;
      parent.children.push(closed);
    }
  }

  /** A comment, or text that is taken as it stands. */
  #skipUnparsed(top: OpenElement | undefined): boolean {
    if (this.#text.startsWith("<!--", this.#at)) {
      this.#skipTo("-->");
      return true;
    }
    if (top === undefined || !this.#text.startsWith("<![CDATA[", this.#at)) return false;
    const start = this.#at + "<![CDATA[".length;
    this.#skipTo("]]>");
    top.text += this.#text.slice(start, this.#at - "]]>".length);
    return true;
  }

  #closeTop(top: OpenElement | undefined): OpenElement {
    if (top === undefined) throw malformed();
    this.#close(top);
    return top;
  }

  /** The element that begins here when it ends with its start tag; else it is put on top of those that are open. */
  #openInto(open: OpenElement[]): OpenElement | undefined {
    const { element, isEmpty } = this.#open();
    if (isEmpty) return element;
    open.push(element);
    if (open.length > DEPTH_MAX) throw malformed();
    return undefined;
  }

  #addText(element: OpenElement): void {
    const end = this.#text.indexOf("<", this.#at);
    if (end < 0) throw malformed();
    if (end === this.#at) return;
    element.text += decode(this.#text.slice(this.#at, end));
    this.#at = end;
  }

  #open(): { readonly element: OpenElement; readonly isEmpty: boolean } {
    if (this.#text[this.#at] !== "<") throw malformed();
    this.#at += 1;
    this.#elements += 1;
    if (this.#elements > ELEMENTS_MAX) throw malformed();
    const rawName = this.#name();
    const attributes: Record<string, string> = {};
    for (;;) {
      ATTRIBUTE.lastIndex = this.#at;
      const found = ATTRIBUTE.exec(this.#text);
      if (found === null) break;
      this.#at = ATTRIBUTE.lastIndex;
      const [, name = "", double, single] = found;
      attributes[localName(name)] = decode(double ?? single ?? "");
    }
    const end = /\s*(\/?)>/uy;
    end.lastIndex = this.#at;
    const found = end.exec(this.#text);
    if (found === null) throw malformed();
    this.#at = end.lastIndex;
    const element = { rawName, name: localName(rawName), attributes, children: [], text: "" };
    return { element, isEmpty: found[1] === "/" };
  }

  #close(element: OpenElement): void {
    this.#at += 2;
    if (this.#name() !== element.rawName) throw malformed();
    const end = /\s*>/uy;
    end.lastIndex = this.#at;
    if (end.exec(this.#text) === null) throw malformed();
    this.#at = end.lastIndex;
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const found = NAME.exec(this.#text);
    if (found === null) throw malformed();
    this.#at = NAME.lastIndex;
    return found[0];
  }
}

function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;&]*);?/gu, (whole, name: string) => {
    if (!whole.endsWith(";")) throw malformed();
    const named = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
    return named ?? characterOf(name);
  });
}

function characterOf(reference: string): string {
  const found = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/iu.exec(reference);
  if (found === null) throw malformed();
  const [, hex, decimal] = found;
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw malformed();
  return String.fromCodePoint(code);
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function malformed(): S3Error {
  return new S3Error("MalformedXML");
}
