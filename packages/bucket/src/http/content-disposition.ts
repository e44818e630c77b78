/** Control characters, halves of characters, marks that turn the direction of text, and what separates folders. */
const UNSAFE = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069/\\]/gu
/** Outside of ASCII, or with a meaning in a quoted string or to browsers (`%41`). */
const NOT_PLAIN = /[^\x20-\x7e]|["%]/gu
const EXTENDED_NAME = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i
const NAME = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i

/**
 * Writes a Content-Disposition header by RFC 6266. Any text is safe as a name.
 *
 * @param name - the name of the file; path separators and control characters in it are replaced
 */
export function contentDisposition(kind: 'attachment' | 'inline', name: string): string {
  const cleaned = name.replace(UNSAFE, '_')
  const safe = /^\.{0,2}$/.test(cleaned) ? 'download' : cleaned
  const plain = safe.replace(NOT_PLAIN, '_')
  return `${kind}; filename="${plain}"${plain === safe ? '' : `; filename*=UTF-8''${encodeExtended(safe)}`}`
}

/** Whether a Content-Disposition header asks for a download. */
export function isAttachment(header: string): boolean {
  return /^\s*attachment\s*(?:;|$)/i.test(header)
}

/** Reads the name of the file in a Content-Disposition header, if it has one that can be read. */
export function dispositionName(header: string): string | undefined {
  const extended = EXTENDED_NAME.exec(header)?.[1]
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended)
    } catch {
      // Not UTF-8: the plain name is left.
    }
  }
  const [, quoted, token] = NAME.exec(header) ?? []
  return quoted?.replace(/\\(.)/g, '$1') ?? token
}

/** Percent-encodes a name by RFC 8187, which allows fewer characters than a URL. */
function encodeExtended(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
