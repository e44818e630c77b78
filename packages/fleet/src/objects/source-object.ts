import {
  type CallOptions,
  decodeEnvelope,
  type HeaderMap,
  type ObjectAttributes,
  type ObjectTransport,
  OSS_HEADERS,
  objectAttributes,
  TransportError,
} from '@oss-cse/crypto-core'
import { isMissing } from './missing.ts'

/** One state of an object, as a HEAD showed it: the one that is read, and that new content takes the place of. */
export interface SourceObject {
  readonly key: string
  /** Absent in a bucket that never kept versions. */
  readonly versionId?: string
  readonly etag: string
  /** The CRC-64 of the stored bytes, as a decimal string. Absent for objects that are older than this checksum. */
  readonly crc64?: string
  /** The length of the stored bytes. */
  readonly sizeBytes: number
  readonly lastModified: Date
  /** Names in lower case. */
  readonly headers: HeaderMap
  readonly attributes: ObjectAttributes
}

/** Which state of an object to read. */
export interface SourceOptions extends CallOptions {
  /** Default: the newest. */
  readonly versionId?: string | undefined
}

/**
 * Sends a HEAD.
 *
 * @throws CseError `ERR_CSE_NOT_FOUND`; `ERR_CSE_SERVICE` for a response without an ETag, a length or a date; what the transport throws
 */
export async function readSource(
  transport: Pick<ObjectTransport, 'head'>,
  key: string,
  { versionId, signal }: SourceOptions = {},
): Promise<SourceObject> {
  const { headers } = await transport.head({ key, versionId, headers: IDENTITY, signal })
  const { etag, 'content-length': length = '' } = headers
  const lastModified = new Date(headers['last-modified'] ?? Number.NaN)
  if (etag === undefined || !/^\d{1,15}$/.test(length) || Number.isNaN(lastModified.getTime())) {
    throw new TransportError(
      'ERR_CSE_SERVICE',
      `${key}: the response to a HEAD has no ETag, no length or no date.`,
      {
        retryable: false,
        objectKey: key,
      },
    )
  }
  const attributes = objectAttributes(headers)
  const crc64 = headers[OSS_HEADERS.crc64]
  const readId = attributes.versionId ?? versionId
  return {
    key,
    ...(readId !== undefined && { versionId: readId }),
    etag,
    ...(crc64 !== undefined && { crc64 }),
    sizeBytes: Number(length),
    lastModified,
    headers,
    attributes,
  }
}

/**
 * Sends a HEAD, as `readSource`. Returns `undefined` if the bucket has no such object or version.
 *
 * @throws CseError as `readSource`; `ERR_CSE_NOT_FOUND` only when the bucket does not exist
 */
export async function findSource(
  transport: Pick<ObjectTransport, 'head'>,
  key: string,
  options?: SourceOptions,
): Promise<SourceObject | undefined> {
  try {
    return await readSource(transport, key, options)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Asks for the stored bytes unchanged: the checksum and the cipher are about these. */
const IDENTITY: HeaderMap = { 'accept-encoding': 'identity' }

/** The headers and the version of a GET that returns this state of the object or nothing. */
export function requestOf({ key, versionId, etag }: SourceObject): {
  readonly key: string
  readonly versionId: string | undefined
  readonly headers: HeaderMap
} {
  return { key, versionId, headers: { ...IDENTITY, 'if-match': etag } }
}

/** Returns the wrapped content key, which no two writes have in common. `undefined` for an object without a valid envelope. */
export function wrappedCekOf({ headers }: SourceObject): string | undefined {
  try {
    return decodeEnvelope(headers)?.wrappedCek
  } catch {
    // Damaged, so not written by a fleet.
    return undefined
  }
}
