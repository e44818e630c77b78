import { createHash, createHmac } from 'node:crypto'
import { escapeRfc3986 } from '../protocol/escape-rfc3986.ts'
import type { QueryParameter } from '../protocol/oss-request.ts'
import type { Location } from '../protocol/possible-locations.ts'
import { emptyParameterForms } from './empty-parameters.ts'

/** The only payload hash of V4: bodies are not signed. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

export const V4_ALGORITHM = 'OSS4-HMAC-SHA256'

/** The scope of a V4 signature: `access-key-id/day/region/product/aliyun_v4_request`. */
export interface V4Credential {
  readonly accessKeyId: string
  /** `YYYYMMDD` */
  readonly day: string
  readonly region: string
  readonly product: string
}

/** The input of a V4 signature. */
export interface V4Input {
  readonly method: string
  readonly headers: ReadonlyMap<string, string>
  readonly parameters: readonly QueryParameter[]
  readonly location: Location
  readonly credential: V4Credential
  /** `YYYYMMDDTHHMMSSZ` */
  readonly dateTime: string
  /** The list of additional headers, joined by `;`, exactly as the client sent it. */
  readonly additionalHeaders: string
}

/** Parses a credential. Returns `undefined` if it is malformed. The access key id may contain slashes. */
export function parseV4Credential(text: string): V4Credential | undefined {
  const match = /^(.+)\/(\d{8})\/([^/]+)\/([^/]+)\/aliyun_v4_request$/.exec(text)
  if (match === null) return undefined
  const [, accessKeyId, day, region, product] = match as unknown as [string, string, string, string, string]
  return { accessKeyId, day, region, product }
}

/**
 * The strings that a client may have signed. They differ in how they write empty parameters. The string of the
 * specification comes first.
 */
export function v4StringsToSign(input: V4Input): readonly string[] {
  const { location, credential } = input
  const path =
    location.bucket === ''
      ? '/'
      : `/${escapeRfc3986(location.bucket)}/${escapeRfc3986(location.key).replaceAll('%2F', '/')}`
  const additional = new Set(input.additionalHeaders.split(';').filter((name) => name !== ''))
  const headers = [...input.headers.entries()]
    .filter(
      ([name]) =>
        name === 'content-type' ||
        name === 'content-md5' ||
        name.startsWith('x-oss-') ||
        additional.has(name),
    )
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim()}\n`)
    .join('')
  const payload = input.headers.get('x-oss-content-sha256') ?? UNSIGNED_PAYLOAD
  const parameters = input.parameters
    .filter(({ name }) => name !== 'x-oss-signature')
    .map(({ name, value }) => ({ name: escapeRfc3986(name), value: escapeRfc3986(value) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.value < b.value ? -1 : 1))
  const scope = `${credential.day}/${credential.region}/${credential.product}/aliyun_v4_request`
  return emptyParameterForms(parameters).map((query) => {
    const canonical = `${input.method}\n${path}\n${query}\n${headers}\n${input.additionalHeaders}\n${payload}`
    const digest = createHash('sha256').update(canonical, 'utf8').digest('hex')
    return `${V4_ALGORITHM}\n${input.dateTime}\n${scope}\n${digest}`
  })
}

/** The hexadecimal signature of a V4 string to sign. */
export function v4Signature(accessKeySecret: string, credential: V4Credential, stringToSign: string): string {
  const key = [credential.day, credential.region, credential.product, 'aliyun_v4_request'].reduce<
    Buffer | string
  >(
    (secret, part) => createHmac('sha256', secret).update(part, 'utf8').digest(),
    `aliyun_v4${accessKeySecret}`,
  )
  return createHmac('sha256', key).update(stringToSign, 'utf8').digest('hex')
}
