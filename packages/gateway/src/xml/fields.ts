import { S3Error } from "../s3/errors.ts";
import { childOf, readXml, type XmlElement } from "./read.ts";

/**
 * The root element of a request's document, which must have one of these names. Anything else is `MalformedXML`, and so is
 * whatever the functions below do not find as they want it.
 */
export function readDocument(text: string, ...rootNames: readonly string[]): XmlElement {
  const root = readXml(text);
  if (!rootNames.includes(root.name)) throw malformed();
  return root;
}

/** The error for a document that breaks its schema. */
export function malformed(): S3Error {
  return new S3Error("MalformedXML");
}

/** Refuses children of any other name, and text between them. */
export function allowOnly(element: XmlElement, ...names: readonly string[]): void {
  if (element.text.trim() !== "") throw malformed();
  for (const child of element.children) {
    if (!names.includes(child.name)) throw malformed();
  }
}

export function requiredChild(element: XmlElement, name: string): XmlElement {
  const child = childOf(element, name);
  if (child === undefined) throw malformed();
  return child;
}

/** The text of an element that has nothing but text. */
export function textOf(element: XmlElement): string {
  if (element.children.length > 0) throw malformed();
  return element.text;
}

export function optionalText(element: XmlElement, name: string): string | undefined {
  const child = childOf(element, name);
  return child === undefined ? undefined : textOf(child);
}

export function requiredText(element: XmlElement, name: string): string {
  return textOf(requiredChild(element, name));
}

/** One of these words; spaces around it do not count. */
function wordOf<Word extends string>(element: XmlElement, words: readonly Word[]): Word {
  const text = textOf(element).trim();
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw malformed();
  return word;
}

export function optionalWord<Word extends string>(
  element: XmlElement,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const child = childOf(element, name);
  return child === undefined ? undefined : wordOf(child, words);
}

export function requiredWord<Word extends string>(
  element: XmlElement,
  name: string,
  words: readonly Word[],
): Word {
  return wordOf(requiredChild(element, name), words);
}

/** `true` or `false`, as XML Schema writes it. */
export function optionalFlag(element: XmlElement, name: string): boolean | undefined {
  const child = childOf(element, name);
  if (child === undefined) return undefined;
  const text = textOf(child).trim().toLowerCase();
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw malformed();
}

/** A whole number that JavaScript keeps exactly, with its sign. */
export function optionalInteger(element: XmlElement, name: string): number | undefined {
  const child = childOf(element, name);
  if (child === undefined) return undefined;
  const text = textOf(child).trim();
  const value = Number(text);
  if (!/^[+-]?\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw malformed();
  return value;
}

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** A time of ISO 8601, in milliseconds; without a zone it is UTC. */
export function optionalTime(element: XmlElement, name: string): number | undefined {
  const text = optionalText(element, name)?.trim();
  return text === undefined ? undefined : timeOf(text);
}

/** The time that a text of ISO 8601 says; `MalformedXML` when it says none. */
export function timeOf(text: string): number {
  const match = DATE.exec(text);
  const hasZone = match?.[4] !== undefined;
  const hasTime = match?.[1] !== undefined;
  const timeMs = match === null ? Number.NaN : Date.parse(hasTime && !hasZone ? `${text}Z` : text);
  if (Number.isNaN(timeMs)) throw malformed();
  return timeMs;
}
