/** Far more than the documents of the service need: a listing is four elements deep. */
const MAX_DEPTH = 32
/** In characters. Far more than the longest element name of the service needs, with its attributes. */
const MAX_TAG_LENGTH = 1024

const NAME = '[A-Za-z][\\w.:-]*'
const START_TAG = new RegExp(`^(${NAME})(?:\\s+${NAME}=(?:"[^"<&]*"|'[^'<&]*'))*\\s*/?$`)
const END_TAG = new RegExp(`^/(${NAME})\\s*$`)
/** An ampersand that starts neither an entity of XML itself nor a character reference. */
const FOREIGN_ENTITY = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\dA-Fa-f]{1,6});)/
/** Names of inherited properties. A parser that keeps elements in objects takes such a property for an earlier element. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype))

/**
 * Tells why a document of the service must not be passed to an XML parser: it declares a document type, uses entities
 * that XML does not define, is nested too deeply, or has element names that every JavaScript object has as properties.
 * It runs in one pass, without recursion. It does not check that the document is well-formed in every respect: the
 * parser does.
 *
 * @returns the end of a sentence about the document, or `undefined` for one that can be parsed
 */
export function xmlDocumentProblem(data: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(data)
  let depth = 0
  let at = 0
  for (;;) {
    const open = text.indexOf('<', at)
    const content = text.slice(at, open === -1 ? text.length : open)
    if (FOREIGN_ENTITY.test(content)) return 'uses an entity that XML does not define'
    if (open === -1) return undefined
    const special = SPECIAL.find(({ begin }) => text.startsWith(begin, open))
    if (special !== undefined) {
      const end = text.indexOf(special.end, open + special.begin.length)
      if (end === -1) return 'breaks off'
      at = end + special.end.length
      continue
    }
    if (text.startsWith('<!', open)) return 'declares a document type'
    const end = text.indexOf('>', open)
    if (end === -1) return 'breaks off'
    if (end - open > MAX_TAG_LENGTH) return 'has an element that is too long'
    const tag = text.slice(open + 1, end)
    const name = (START_TAG.exec(tag) ?? END_TAG.exec(tag))?.[1]
    if (name === undefined) return 'has an element that is malformed'
    if (RESERVED_NAMES.has(name)) return `has an element named ${name}`
    if (tag.startsWith('/')) depth -= 1
    else if (!tag.endsWith('/')) depth += 1
    if (depth > MAX_DEPTH) return `nests more than ${MAX_DEPTH} elements`
    at = end + 1
  }
}

/** Markup that is not an element. Its content is skipped. */
const SPECIAL: readonly { readonly begin: string; readonly end: string }[] = [
  { begin: '<!--', end: '-->' },
  { begin: '<![CDATA[', end: ']]>' },
  { begin: '<?', end: '?>' },
]
