import { decodeEntities } from './error-document.ts'

/** An element of a document. It has children or a text. */
export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  /** With the white space around it. Empty if there are children. */
  readonly text: string
}

/** A listing is four elements deep. */
const MAX_DEPTH = 16
const HEAD = /^\ufeff?(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?\?>)?\s*/
const TOKEN = /<([A-Za-z]\w{0,63})((?: xmlns="[^"<>&]{0,200}")?)\s*(\/?)>|<\/([A-Za-z]\w{0,63})>|([^<]+)/y

/**
 * Reads the elements of a document of the service: a strict part of XML, without attributes other than `xmlns`, comments
 * and processing instructions. The texts are those that an XML parser returns.
 *
 * @param data - the whole document
 * @returns the root element, or `undefined` for any other document, well-formed or not
 */
export function elementTree(data: Uint8Array): XmlElement | undefined {
  const xml = new TextDecoder('utf-8', { ignoreBOM: true }).decode(data)
  const open: { name: string; children: XmlElement[]; text: string }[] = [
    { name: '', children: [], text: '' },
  ]
  TOKEN.lastIndex = HEAD.exec(xml)?.[0].length ?? 0
  while (TOKEN.lastIndex < xml.length) {
    const [token, started, , empty, ended, text] = TOKEN.exec(xml) ?? []
    const parent = open.at(-1)
    if (token === undefined || parent === undefined) return undefined
    if (text !== undefined) {
      // White space between elements has no meaning.
      if (text.trim() !== '' && (open.length === 1 || parent.children.length > 0)) return undefined
      const decoded = decodedText(text)
      if (decoded === undefined) return undefined
      parent.text = decoded
    } else if (started !== undefined) {
      if (parent.text.trim() !== '' || open.length > MAX_DEPTH) return undefined
      parent.text = ''
      const element = { name: started, children: [], text: '' }
      parent.children.push(element)
      if (empty === '') open.push(element)
    } else {
      if (open.length === 1 || parent.name !== ended) return undefined
      if (parent.children.length > 0) parent.text = ''
      open.pop()
    }
  }
  const [document] = open
  return open.length === 1 && document?.children.length === 1 ? document.children[0] : undefined
}

const REFERENCE = /&(?:#x([\dA-Fa-f]{1,6})|#(\d{1,7})|\w+);|&/g
/** The characters of XML 1.0. */
const XML_CHARACTER = /^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u

/** Replaces entities and references to characters. Returns `undefined` if there is one that XML does not define. */
function decodedText(text: string): string | undefined {
  let isKnown = true
  const decoded = text.replace(REFERENCE, (reference, hex?: string, decimal?: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    const isNumber = hex !== undefined || decimal !== undefined
    const character = isNumber
      ? code <= 0x10ffff
        ? String.fromCodePoint(code)
        : ''
      : decodeEntities(reference)
    if (isNumber ? !XML_CHARACTER.test(character) : character === reference) isKnown = false
    return character
  })
  return isKnown ? decoded : undefined
}

/** Returns the child elements with a name. */
export function childrenOf({ children }: XmlElement, name: string): readonly XmlElement[] {
  return children.filter((child) => child.name === name)
}

/**
 * Returns the text of the only child element with a name.
 *
 * @throws Error if there are several, or if it has elements
 */
export function textOf(parent: XmlElement, name: string): string | undefined {
  const [child, ...others] = childrenOf(parent, name)
  if (others.length > 0 || (child?.children.length ?? 0) > 0) throw new Error('There is more than one text.')
  return child?.text
}
