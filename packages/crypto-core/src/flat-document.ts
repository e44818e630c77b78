import { decodeEntities, onlyKnownEntities } from './error-document.ts'

// No property that every JavaScript object has starts with a capital letter. Elements of the service do.
const HEAD =
  /^(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?\?>[ \t\r\n]*)?<([A-Z][A-Za-z0-9]{0,63})(?: xmlns="[^"<>&]{0,200}")?>/
const ELEMENT = /[ \t\r\n]*<([A-Z][A-Za-z0-9]{0,63})>([^<]*)<\/\1>/y

/**
 * Reads a document whose root has only elements with text, each with another name. Most short documents of the service
 * are of this kind. The texts are those that an XML parser returns, with the white space around them.
 *
 * @param data - the whole document
 * @returns the texts by the names of their elements, or undefined for any other document, well-formed or not: leave it
 *   to an XML parser
 */
export function flatDocument(data: Uint8Array): ReadonlyMap<string, string> | undefined {
  const xml = new TextDecoder().decode(data)
  const [head, root] = HEAD.exec(xml) ?? []
  if (head === undefined) return undefined
  const texts = new Map<string, string>()
  let at = head.length
  for (;;) {
    ELEMENT.lastIndex = at
    const [element, name, text] = ELEMENT.exec(xml) ?? []
    if (element === undefined || name === undefined || text === undefined) break
    if (texts.has(name) || !onlyKnownEntities(text)) return undefined
    texts.set(name, decodeEntities(text))
    at += element.length
  }
  return xml.slice(at).trim() === `</${root}>` ? texts : undefined
}
