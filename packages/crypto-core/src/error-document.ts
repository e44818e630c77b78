import { OSS_HEADERS } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** The fields of an error document that errors contain. */
export interface ErrorDocument {
  /** The service's own code, such as `NoSuchKey`. */
  readonly serviceCode?: string
  readonly message?: string
  readonly requestId?: string
  /** The service's detailed error number (EC), such as `0026-00000001`. */
  readonly ec?: string
}

/**
 * Completes the fields of an error document with the ids from the response's headers.
 *
 * @param headers - names in lower case
 */
export function completeDocument(document: ErrorDocument, headers: HeaderMap): ErrorDocument {
  const requestId = document.requestId ?? headers[OSS_HEADERS.requestId]
  const ec = document.ec ?? headers[OSS_HEADERS.errorNumber]
  return { ...document, ...(requestId !== undefined && { requestId }), ...(ec !== undefined && { ec }) }
}

const PLAIN_FIELD = /^[\w.-]{1,64}$/

/**
 * Reduces the error document of a presigned URL to what may be shown. The URL is a secret while it is valid, and a
 * proxy may repeat it in any text. The result holds only codes and ids that look like one, and no message.
 */
export function plainDocument({ serviceCode, requestId, ec }: ErrorDocument): ErrorDocument {
  return Object.fromEntries(
    Object.entries({ serviceCode, requestId, ec }).filter(
      ([, text]) => text !== undefined && PLAIN_FIELD.test(text),
    ),
  )
}

/** How many bytes of a body are inspected. */
const LOOKED_AT_BYTES = 16_384

/** Tells whether a body, or its beginning, is an error document of the service, whatever the status. */
export function isErrorDocument(data: Uint8Array): boolean {
  return rootElement(data) === 'Error'
}

/**
 * Returns the name of an XML document's root element.
 *
 * @param data - the document, or its beginning
 * @returns `undefined` if the bytes are not the beginning of a document
 */
export function rootElement(data: Uint8Array): string | undefined {
  const [, name] = /^\ufeff?\s*(?:<\?xml[^>]*>\s*)?<([A-Za-z][\w.-]*)[\s/>]/.exec(beginning(data)) ?? []
  return name
}

/**
 * Reads an error document. No other part of a body gets into an error: it may be an object, or contain the secrets from
 * which a signature was made.
 *
 * @param data - the document, or its beginning
 * @returns no fields if the bytes are something else
 */
export function parseErrorDocument(data: Uint8Array): ErrorDocument {
  if (!isErrorDocument(data)) return {}
  const xml = beginning(data)
  const [serviceCode, message, requestId, ec] = ['Code', 'Message', 'RequestId', 'EC'].map((name) =>
    elementText(xml, name),
  )
  return {
    ...(serviceCode !== undefined && { serviceCode }),
    ...(message !== undefined && { message }),
    ...(requestId !== undefined && { requestId }),
    ...(ec !== undefined && { ec }),
  }
}

function elementText(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]{1,500})</${name}>`).exec(xml)?.[1]
  return text && decodeEntities(text)
}

function beginning(data: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(data.subarray(0, LOOKED_AT_BYTES))
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['#34', '"'],
  ['#39', "'"],
])

const ENTITY = /&(#?\w+);/g

/** Replaces entities by the characters that they stand for. Entities that it does not know stay as they are. */
export function decodeEntities(text: string): string {
  return text.replace(ENTITY, (entity, name: string) => ENTITIES.get(name) ?? entity)
}

/** Whether each ampersand of a text starts an entity that `decodeEntities` knows. */
export function onlyKnownEntities(text: string): boolean {
  return !text.replace(ENTITY, (entity, name: string) => (ENTITIES.has(name) ? '' : entity)).includes('&')
}
