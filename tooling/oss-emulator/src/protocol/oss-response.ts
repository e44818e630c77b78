import { buildXml, type XmlElement } from './xml.ts'

/** The response of an operation. Header values are text; the sender encodes them. */
export interface OssResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | ResponseContent
}

/** A body that is read while it is sent. */
interface ResponseContent {
  /** `undefined` if the size is only known once the body is sent: the response then has no Content-Length. */
  readonly sizeBytes: number | undefined
  /** A chunk is valid only until the next one is requested. */
  chunks(): AsyncIterable<Uint8Array>
  release(): void
}

/** A response without a body. */
export function emptyResponse(status: number, headers: Readonly<Record<string, string>> = {}): OssResponse {
  return { status, headers }
}

/** A 200 with an XML document of one root element. `last` is as for `buildXml`. */
export function xmlResponse(
  root: XmlElement,
  headers: Readonly<Record<string, string>> = {},
  last: readonly XmlElement[] = [],
): OssResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...headers },
    body: Buffer.from(buildXml(root, last), 'utf8'),
  }
}
