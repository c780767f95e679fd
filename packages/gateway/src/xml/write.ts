const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
// What markup is made of, and what no text may hold as it is: those that XML can only name, it names.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find.
const SPECIAL = /[&<>"\u0000-\u001f\ufffe\uffff]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find.
const SPECIALS = /[&<>"\u0000-\u001f\ufffe\uffff]/gu;
const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text as it stands in an element or an attribute. Characters that XML 1.0 cannot have become references to them, as S3 sends them. */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(SPECIALS, (character) => {
    return NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16)};`;
  });
}

/** An element of text; empty without a value. */
export function textElement(name: string, value: string | number | boolean | undefined): string {
  if (value === undefined) return "";
  return `<${name}>${typeof value === "string" ? escapeXml(value) : value}</${name}>`;
}

/** An element around what is XML already. */
export function element(name: string, ...content: readonly string[]): string {
  return `<${name}>${content.join("")}</${name}>`;
}

/** A whole document whose root is in S3's namespace. */
export function xmlDocument(name: string, ...content: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${NAMESPACE}">${content.join("")}</${name}>`;
}

/** The document of an error: its root is in no namespace. */
export function errorDocument(...content: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content.join("")}</Error>`;
}

/** A time as S3 writes it in documents. */
export function xmlTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
