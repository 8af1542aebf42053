import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** A SOAP element: its text, or its children by name (a repeated one as a list), with `@_...` for attributes. */
export type Element = string | { readonly [name: string]: Element | readonly Element[] };

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@_',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
});

/** What a request asks for: the session of its header, the operation, and the operation's element. */
export type Envelope = { readonly sessionId: string | null; readonly operation: string; readonly body: Element };

const isElement = (value: unknown): value is Exclude<Element, string> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The children of this name. */
export function children(element: Element | undefined, name: string): readonly Element[] {
  if (!isElement(element)) return [];
  const found = element[name];
  return found === undefined ? [] : Array.isArray(found) ? (found as readonly Element[]) : [found as Element];
}

/** The text of an element; null when it is not there, empty or `xsi:nil`. */
export function textOf(element: Element | undefined): string | null {
  if (element === undefined) return null;
  if (typeof element === 'string') return element === '' ? null : element;
  const text = element['#text'];
  return element['@_nil'] === 'true' || typeof text !== 'string' ? null : text;
}

/** The text of the first child of this name. */
export const textAt = (element: Element | undefined, name: string): string | null => textOf(children(element, name)[0]);
export const isTrueAt = (element: Element | undefined, name: string): boolean => ['true', '1'].includes(textAt(element, name) ?? '');

/** The names of the element's children, without attributes and text. */
export const childNames = (element: Element): string[] =>
  isElement(element) ? Object.keys(element).filter((name) => !name.startsWith('@_') && name !== '#text') : [];

/** Reads a SOAP envelope. A document type is refused: it has no place in SOAP. @returns null for what is none */
export function readEnvelope(xml: string): Envelope | null {
  if (/<!DOCTYPE/i.test(xml) || XMLValidator.validate(xml) !== true) return null;
  const root = parser.parse(xml) as Element;
  const envelope = children(root, 'Envelope')[0];
  const body = children(envelope, 'Body')[0];
  const operation = body === undefined ? undefined : childNames(body)[0];
  if (body === undefined || operation === undefined) return null;
  const session = children(children(envelope, 'Header')[0], 'SessionHeader')[0];
  return { sessionId: textAt(session, 'sessionId'), operation, body: children(body, operation)[0] ?? '' };
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char);

/** An answer's value as XML: a list repeats the element, null is `xsi:nil`, undefined is left out. */
export type XmlValue = string | number | boolean | null | undefined | readonly XmlValue[] | { readonly [name: string]: XmlValue };

export function toXml(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return (value as readonly XmlValue[]).map((each) => toXml(name, each)).join('');
  if (value === null) return `<${name} xsi:nil="true"/>`;
  if (typeof value === 'object')
    return `<${name}>${Object.entries(value)
      .map(([child, each]) => toXml(child, each))
      .join('')}</${name}>`;
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}
