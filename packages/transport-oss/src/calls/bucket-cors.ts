import { type CallOptions, TransportError } from '@oss-cse/crypto-core'
import { printable, unusableResponse } from '@oss-cse/crypto-core/internal'
import type { AliOssClient } from '../ali-oss/ali-oss-client.ts'
import type { Connection } from '../ali-oss/client-options.ts'
import { childElements, childText, requestDocument } from './document-request.ts'
import { invalidArgument } from './invalid-argument.ts'
import { contextOf, type OssCall, runCall } from './oss-call.ts'

/** A CORS rule: which pages of other origins may send which requests, and read which headers of the responses. */
export interface CorsRule {
  /** Such as `https://app.example`. One `*` in each stands for any characters. */
  readonly allowedOrigins: readonly string[]
  /** GET, PUT, POST, DELETE and HEAD. */
  readonly allowedMethods: readonly string[]
  /** Names of request headers. One `*` in each stands for any characters. */
  readonly allowedHeaders: readonly string[]
  /** Names of response headers. The service takes no `*` here. */
  readonly exposeHeaders: readonly string[]
  /** For how long a browser may keep the response to a preflight, in seconds. */
  readonly maxAgeSeconds?: number
}

/** The CORS rules of a bucket. The first rule that allows a request counts. */
export interface CorsConfiguration {
  readonly rules: readonly CorsRule[]
  /** Whether each response has `Vary: Origin`. */
  readonly responseVary: boolean
}

const LISTS = {
  allowedOrigins: 'AllowedOrigin',
  allowedMethods: 'AllowedMethod',
  allowedHeaders: 'AllowedHeader',
  exposeHeaders: 'ExposeHeader',
} as const
const RULE_ELEMENTS: ReadonlySet<string> = new Set([...Object.values(LISTS), 'MaxAgeSeconds'])
const CONFIGURATION_ELEMENTS: ReadonlySet<string> = new Set(['CORSRule', 'ResponseVary'])

/** See `OssTransport.getCors`. */
export async function getCors(connection: Connection, { signal }: CallOptions): Promise<CorsConfiguration> {
  const call: OssCall = { operation: 'read the CORS rules', signal, expected: { root: 'CORSConfiguration' } }
  try {
    const { value, response } = await runCall(connection, call, (client) =>
      // ali-oss 6.23 lib/bucket.js getBucketCORS drops ResponseVary.
      requestDocument(client, { subres: { cors: '' } }),
    )
    const elements = childElements<unknown>(value, 'CORSRule')
    checkElements(connection, value, CONFIGURATION_ELEMENTS)
    for (const element of elements) checkElements(connection, element, RULE_ELEMENTS)
    const rules = elements.map(parsedRule).filter((rule) => rule !== undefined)
    if (rules.length < elements.length) {
      throw unusableResponse(contextOf(connection, call), response.status, 'a CORS rule is not readable')
    }
    return { rules, responseVary: childText(value, 'ResponseVary')?.trim().toLowerCase() === 'true' }
  } catch (error) {
    if (TransportError.isInstance(error) && error.serviceCode === 'NoSuchCORSConfiguration') {
      return { rules: [], responseVary: false }
    }
    throw error
  }
}

/** See `OssTransport.putCors`. */
export async function putCors(
  connection: Connection,
  configuration: CorsConfiguration,
  { signal }: CallOptions,
): Promise<void> {
  if (configuration.rules.length === 0)
    throw invalidArgument('`rules` is empty. Pass at least one CORS rule.')
  const call: OssCall = { operation: 'set the CORS rules', signal }
  await runCall(connection, call, (client) => putDocument(client, documentOf(configuration)))
}

/** ali-oss 6.23 lib/bucket.js putBucketCORS drops ResponseVary and a MaxAgeSeconds of 0, and escapes nothing. */
function putDocument(client: AliOssClient, document: string): Promise<unknown> {
  return client.request({
    method: 'PUT',
    bucket: client.options.bucket ?? '',
    subres: { cors: '' },
    // Bytes, because ali-oss 6.23 lib/common/utils/createRequest.js takes the length of a text in characters.
    content: new TextEncoder().encode(document),
    mime: 'xml',
    successStatuses: [200],
  })
}

function parsedRule(element: unknown): CorsRule | undefined {
  const texts = (name: string): string[] =>
    childElements<unknown>(element, name).map((text) => (typeof text === 'string' ? text.trim() : ''))
  const lists = Object.fromEntries(
    Object.entries(LISTS).map(([field, name]) => [field, texts(name)]),
  ) as Record<keyof typeof LISTS, string[]>
  const ages = texts('MaxAgeSeconds')
  const isReadable =
    Object.values(lists).every((list) => !list.includes('')) && ages.every((age) => /^\d{1,10}$/.test(age))
  if (!isReadable || ages.length > 1) return undefined
  return { ...lists, ...(ages[0] !== undefined && { maxAgeSeconds: Number(ages[0]) }) }
}

/** A rule with an element that is not known could not be put again as it was. */
function checkElements({ bucket }: Connection, parent: unknown, known: ReadonlySet<string>): void {
  if (typeof parent !== 'object' || parent === null) return
  const name = Object.keys(parent).find((child) => !known.has(child) && child !== '$')
  if (name === undefined) return
  throw new TransportError(
    'ERR_CSE_SERVICE',
    `The CORS rules of the bucket ${bucket} have the element ${printable(name)}, which this version of oss-cse does not know and would lose. Use the console of OSS for these rules.`,
    { retryable: false },
  )
}

function documentOf({ rules, responseVary }: CorsConfiguration): string {
  const texts = rules.map((rule) => {
    const { maxAgeSeconds } = rule
    const lists = (Object.keys(LISTS) as (keyof typeof LISTS)[]).flatMap((field) =>
      rule[field].map((text) => elementOf(LISTS[field], text)),
    )
    const age = maxAgeSeconds === undefined ? '' : elementOf('MaxAgeSeconds', String(maxAgeSeconds))
    return `<CORSRule>${lists.join('')}${age}</CORSRule>`
  })
  const vary = elementOf('ResponseVary', String(responseVary))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<CORSConfiguration>${texts.join('')}${vary}</CORSConfiguration>`
}

function elementOf(name: string, text: string): string {
  return `<${name}>${text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`)}</${name}>`
}
