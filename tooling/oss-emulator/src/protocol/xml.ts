import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser'
import { malformedXml } from './error-catalog.ts'

/** The content of an element: text, child elements by name, or several elements of one name. */
type XmlValue = string | number | boolean | XmlElement | readonly XmlValue[]
/** Child elements by name, in document order. */
export interface XmlElement {
  readonly [name: string]: XmlValue
}

const builder = new XMLBuilder({ suppressEmptyNode: false, processEntities: true })
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  // decodeEntities() decodes entities: Go writes quotes as &#34;, and the parser limits how many it decodes itself.
  processEntities: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
})

const NAMED_ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }),
)

/**
 * Builds a document with one root element.
 *
 * @param last - the last children of the root. Elements of different names stay in their order
 */
export function buildXml(root: XmlElement, last: readonly XmlElement[] = []): string {
  const text: string = builder.build(root)
  const end = text.lastIndexOf('</')
  const children = last.map((child): string => builder.build(child)).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>\n${text.slice(0, end)}${children}${text.slice(end)}`
}

/**
 * Returns the content of the root element.
 *
 * @throws OssError `MalformedXML` if the text is not XML, has a document type, or has another root
 */
export function parseXml(text: string, root: string, ec?: string): XmlElement {
  if (text.includes('<!DOCTYPE') || XMLValidator.validate(text) !== true) throw malformedXml(ec)
  const document = parsed(text, ec)
  if (typeof document !== 'object' || document === null) throw malformedXml(ec)
  const content: unknown = (document as Record<string, unknown>)[root]
  if (content === undefined) throw malformedXml(ec)
  return typeof content === 'object' && content !== null ? (content as XmlElement) : {}
}

function parsed(text: string, ec: string | undefined): unknown {
  try {
    return parser.parse(text)
  } catch {
    // The parser refuses some valid XML: names that JavaScript reserves, or elements nested too deep.
    throw malformedXml(ec)
  }
}

/** The child elements of `parent` with one name: none, one or several. */
export function childElements(parent: XmlElement, name: string): readonly XmlElement[] {
  const value = Object.hasOwn(parent, name) ? parent[name] : undefined
  const list: readonly XmlValue[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.map((item) => (typeof item === 'object' && !Array.isArray(item) ? (item as XmlElement) : {}))
}

/** The text of a child element. `undefined` if there is no such child or it has children itself. */
export function childText(parent: XmlElement, name: string): string | undefined {
  const value = Object.hasOwn(parent, name) ? parent[name] : undefined
  return typeof value === 'string' ? decodeEntities(value) : undefined
}

/** The texts of all child elements with one name. A child that has children itself has the empty text. */
export function childTexts(parent: XmlElement, name: string): readonly string[] {
  const value = Object.hasOwn(parent, name) ? parent[name] : undefined
  const list: readonly XmlValue[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.map((item) => (typeof item === 'string' ? decodeEntities(item) : ''))
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));/gi, (whole, hex, decimal, named) => {
    if (named !== undefined) return NAMED_ENTITIES.get(named as string) ?? whole
    const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex as string, 16)
    const isCharacter = codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff)
    return isCharacter ? String.fromCodePoint(codePoint) : whole
  })
}
