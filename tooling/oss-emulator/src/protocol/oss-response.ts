import type { OpenContent } from '../storage/object-store.ts'
import { buildXml, type XmlElement } from './xml.ts'

/** What an operation answers. Header values are text; the sender encodes them. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | OpenContent | UnsizedContent
}

/** Bytes whose number is known when they are sent: the answer has no Content-Length. */
interface UnsizedContent {
  readonly sizeBytes: undefined
  chunks(): AsyncIterable<Uint8Array>
  release(): void
}

/** An answer without a body. */
export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers }
}

/** A 200 with a document of one root element. */
export function xmlAnswer(root: XmlElement, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...headers },
    body: Buffer.from(buildXml(root), 'utf8'),
  }
}
