import { timingSafeEqual } from 'node:crypto'
import { accessDenied, formUploadNotImplemented, invalidArgument } from '../protocol/error-catalog.ts'
import { OssError } from '../protocol/oss-error.ts'
import type { OssRequest } from '../protocol/oss-request.ts'
import type { Location } from '../protocol/possible-locations.ts'
import type { SecurityTokens } from './security-tokens.ts'
import { v1Signature, v1StringsToSign, withoutV1Authentication } from './signature-v1.ts'
import {
  parseV4Credential,
  UNSIGNED_PAYLOAD,
  V4_ALGORITHM,
  type V4Credential,
  v4Signature,
  v4StringsToSign,
} from './signature-v4.ts'

const MAX_SKEW_MS = 900_000
const MAX_EXPIRES_SECONDS = 604_800

/** The one account of the emulator. */
export interface Account {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityTokens: SecurityTokens
  readonly region: string
}

/**
 * Verifies a request's signature, V1 or V4, in the header or in the URL.
 *
 * @param locations - the possible locations of the request
 * @returns the location that was signed
 * @throws OssError with the code and message of the service
 */
export function authenticate(
  request: OssRequest,
  locations: readonly Location[],
  account: Account,
  now: Date,
): Location {
  const authorization = request.header('authorization')
  if (authorization?.startsWith(`${V4_ALGORITHM} `))
    return byV4Header(request, authorization, locations, account, now)
  if (authorization !== undefined) return byV1Header(request, authorization, locations, account, now)
  if (request.has('x-oss-signature-version')) return byV4Url(request, locations, account, now)
  if (request.has('OSSAccessKeyId') || request.has('Signature'))
    return byV1Url(request, locations, account, now)
  // The signature of a PostObject is in the fields of its form.
  if (request.method === 'POST' && /^multipart\/form-data\b/i.test(request.header('content-type') ?? '')) {
    throw formUploadNotImplemented()
  }
  throw accessDenied('You have no right to access this object because of bucket acl.', '0003-00000001')
}

function byV1Header(
  request: OssRequest,
  authorization: string,
  locations: readonly Location[],
  account: Account,
  now: Date,
): Location {
  const match = /^OSS ([^:]+):(.+)$/.exec(authorization)
  if (match === null) throw invalidArgument('Authorization header is invalid.')
  const [, accessKeyId, signature] = match as unknown as [string, string, string]
  const dates = [request.header('x-oss-date'), request.header('date')].filter((date) => date !== undefined)
  const date = dates[0]
  const time = date === undefined ? undefined : parseDate(date)
  if (date === undefined || time === undefined) {
    throw accessDenied('OSS authentication requires a valid Date.')
  }
  checkSkew(time, now)
  checkAccessKey(accessKeyId, request.header('x-oss-security-token'), account, now)
  return verified(locations, signature, (location) =>
    dates.flatMap((line) =>
      v1StringsToSign({
        method: request.method,
        headers: request.headers,
        parameters: request.parameters,
        location,
        date: line,
      }).map((text): Signed => ({ text, signature: v1Signature(account.accessKeySecret, text) })),
    ),
  )
}

function byV1Url(request: OssRequest, locations: readonly Location[], account: Account, now: Date): Location {
  const accessKeyId = request.parameter('OSSAccessKeyId')
  const expires = request.parameter('Expires')
  const signature = request.parameter('Signature')
  if (accessKeyId === undefined || expires === undefined || signature === undefined) {
    throw accessDenied(
      'Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters',
      expires === undefined ? '0002-00000067' : undefined,
    )
  }
  if (!/^\d+$/.test(expires)) {
    throw accessDenied(
      'Invalid date (should be seconds since epoch).',
      expires === '' ? '0002-00000068' : '0002-00000070',
    )
  }
  checkExpiry(Number(expires) * 1000, now)
  checkAccessKey(accessKeyId, request.parameter('security-token'), account, now)
  const parameters = withoutV1Authentication(request)
  return verified(locations, signature, (location) =>
    v1StringsToSign({
      method: request.method,
      headers: request.headers,
      parameters,
      location,
      date: expires,
    }).map((text) => ({ text, signature: v1Signature(account.accessKeySecret, text) })),
  )
}

function byV4Header(
  request: OssRequest,
  authorization: string,
  locations: readonly Location[],
  account: Account,
  now: Date,
): Location {
  const fields = new Map(
    authorization
      .slice(V4_ALGORITHM.length)
      .split(',')
      .map((field) => {
        const equals = field.indexOf('=')
        return [field.slice(0, equals).trim(), field.slice(equals + 1).trim()] as const
      }),
  )
  const payload = request.header('x-oss-content-sha256')
  if (payload !== undefined && payload !== UNSIGNED_PAYLOAD) {
    throw invalidArgument(`The x-oss-content-sha256 must be ${UNSIGNED_PAYLOAD}.`)
  }
  const credential = parseV4Credential(fields.get('Credential') ?? '')
  const signature = fields.get('Signature')
  if (credential === undefined || signature === undefined) {
    throw invalidArgument(
      'Invalid Credential in Authorization header.',
      credential === undefined ? '0002-00000213' : undefined,
    )
  }
  const date = request.header('x-oss-date') ?? request.header('date')
  const dateTime = v4DateTime(date)
  const time = dateTime === undefined ? undefined : parseDate(dateTime)
  if (date === undefined || dateTime === undefined || time === undefined) {
    throw accessDenied('OSS authentication requires a valid Date.')
  }
  checkSkew(time, now)
  checkAccessKey(credential.accessKeyId, request.header('x-oss-security-token'), account, now)
  checkScope(credential, dateTime, account, '0002-00000228')
  return verifiedV4(
    request,
    locations,
    account,
    credential,
    // The Go SDK V1 sends no x-oss-date and signs the HTTP date unchanged (oss/conn.go:339, oss/auth.go:200 of 3.0.2).
    request.header('x-oss-date') === undefined ? [dateTime, date] : [dateTime],
    fields.get('AdditionalHeaders') ?? '',
    signature,
  )
}

function byV4Url(request: OssRequest, locations: readonly Location[], account: Account, now: Date): Location {
  if (request.parameter('x-oss-signature-version') !== V4_ALGORITHM) {
    throw invalidArgument('Invalid signature version.')
  }
  const credential = parseV4Credential(request.parameter('x-oss-credential') ?? '')
  const signature = request.parameter('x-oss-signature')
  if (credential === undefined || signature === undefined) {
    throw invalidArgument(
      'Invalid x-oss-credential or x-oss-signature.',
      credential === undefined ? '0002-00000224' : undefined,
    )
  }
  const dateTime = request.parameter('x-oss-date') ?? ''
  const time = /^\d{8}T\d{6}Z$/.test(dateTime) ? parseDate(dateTime) : undefined
  if (time === undefined) throw accessDenied('OSS authentication requires a valid Date.')
  const expires = request.parameter('x-oss-expires')
  if (expires === undefined || !/^\d+$/.test(expires)) {
    throw invalidArgument('Missing or invalid x-oss-expires.', '0002-00000215')
  }
  if (Number(expires) > MAX_EXPIRES_SECONDS) throw invalidArgument('x-oss-expires must be at most 604800.')
  checkExpiry(time + Number(expires) * 1000, now)
  if (time - now.getTime() > MAX_SKEW_MS) throw tooSkewed(time, now)
  checkAccessKey(credential.accessKeyId, request.parameter('x-oss-security-token'), account, now)
  checkScope(credential, dateTime, account, '0002-00000226')
  const additional = request.parameter('x-oss-additional-headers') ?? ''
  return verifiedV4(request, locations, account, credential, [dateTime], additional, signature)
}

function verifiedV4(
  request: OssRequest,
  locations: readonly Location[],
  account: Account,
  credential: V4Credential,
  dateTimes: readonly string[],
  additionalHeaders: string,
  signature: string,
): Location {
  const { method, headers, parameters } = request
  return verified(locations, signature, (location) =>
    dateTimes.flatMap((dateTime) =>
      v4StringsToSign({
        method,
        headers,
        parameters,
        location,
        credential,
        dateTime,
        additionalHeaders,
      }).map((text) => ({ text, signature: v4Signature(account.accessKeySecret, credential, text) })),
    ),
  )
}

interface Signed {
  readonly text: string
  readonly signature: string
}

function verified(
  locations: readonly Location[],
  signature: string,
  candidates: (location: Location) => readonly Signed[],
): Location {
  let expected: string | undefined
  for (const location of locations) {
    for (const candidate of candidates(location)) {
      if (equalText(candidate.signature, signature)) return location
      expected ??= candidate.text
    }
  }
  throw new OssError(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    {
      ec: '0002-00000040',
      details: {
        SignatureProvided: signature,
        StringToSign: expected ?? '',
        StringToSignBytes: Buffer.from(expected ?? '')
          .toString('hex')
          .toUpperCase()
          .replace(/(..)(?=.)/g, '$1 '),
      },
    },
  )
}

function equalText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

/** A temporary key without its token gets the same error as an unknown key, but its own error number. */
function checkAccessKey(accessKeyId: string, token: string | undefined, account: Account, now: Date): void {
  const { securityTokens } = account
  const isKnown = accessKeyId === account.accessKeyId
  const lacksToken = isKnown && securityTokens.areNeeded && token === undefined
  if (!isKnown || lacksToken) {
    throw new OssError(
      403,
      'InvalidAccessKeyId',
      'The OSS Access Key Id you provided does not exist in our records.',
      {
        ec: lacksToken ? '0002-00000003' : '0002-00000902',
        details: { OSSAccessKeyId: accessKeyId },
      },
    )
  }
  if (token !== undefined) securityTokens.check(token, now)
}

function checkScope(credential: V4Credential, dateTime: string, account: Account, regionEc: string): void {
  if (credential.day !== dateTime.slice(0, 8)) {
    throw invalidArgument('Invalid signing date in Credential.', '0002-00000212')
  }
  if (credential.product !== 'oss' && credential.product !== 'oss-cloudbox') {
    throw invalidArgument('Invalid signing product in Credential.')
  }
  if (credential.product === 'oss' && credential.region !== account.region) {
    throw invalidArgument('Invalid signing region in Credential.', regionEc, {
      Region: credential.region,
    })
  }
}

function checkSkew(time: number, now: Date): void {
  if (Math.abs(now.getTime() - time) > MAX_SKEW_MS) throw tooSkewed(time, now)
}

function tooSkewed(time: number, now: Date): OssError {
  return new OssError(
    403,
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    {
      ec: '0002-00000504',
      details: {
        MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
        RequestTime: new Date(time).toISOString(),
        ServerTime: now.toISOString(),
      },
    },
  )
}

function checkExpiry(expiresAt: number, now: Date): void {
  if (now.getTime() <= expiresAt) return
  const expires = new Date(expiresAt)
  throw accessDenied('Request has expired.', '0002-00000069', {
    Expires: Number.isNaN(expires.getTime()) ? '' : expires.toISOString(),
    ServerTime: now.toISOString(),
  })
}

/** Converts a date to the ISO basic format of V4. */
function v4DateTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (/^\d{8}T\d{6}Z$/.test(text)) return text
  const time = parseDate(text)
  return time === undefined ? undefined : new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
}

/** Milliseconds of an HTTP date or an ISO basic date. */
function parseDate(text: string): number | undefined {
  const iso = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  const time = Date.parse(
    iso === null ? text : `${iso[1]}-${iso[2]}-${iso[3]}T${iso[4]}:${iso[5]}:${iso[6]}Z`,
  )
  return Number.isNaN(time) ? undefined : time
}
