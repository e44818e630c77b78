import {
  type ByteChunks,
  type CallOptions,
  CseError,
  type GetObjectResponse,
  type ObjectTransport,
  OSS_HEADERS,
  TransportError,
} from '@oss-cse/crypto-core'
import { type Crc64, createCrc64 } from '@oss-cse/crypto-core/internal'
import { requestOf, type SourceObject } from '../objects/source-object.ts'
import { withheldEnd } from './withheld-end.ts'

/** The bytes of an object as they are stored, on their way. */
export interface StoredBytes {
  /** To be read once. It throws at its end if the bytes are not those of the object; the last chunk comes after that check. */
  readonly bytes: ByteChunks
  /** The CRC-64 of the bytes, as a decimal string, when they were read to their end. */
  crc64(): string
  /** Closes the connection, if the bytes were not read to their end. */
  close(): Promise<void>
  /** The response that they belong to. */
  readonly response: Pick<GetObjectResponse, 'status' | 'headers'>
}

/**
 * Requests the bytes of one state of an object, as they are stored. They pass through in one pass, with constant memory, and
 * are compared with the length and the CRC-64 of the HEAD.
 *
 * @throws CseError `ERR_CSE_SOURCE_CHANGED` when the object is another one by now; what the transport throws
 */
export async function openStoredBytes(
  transport: Pick<ObjectTransport, 'get'>,
  source: SourceObject,
  { signal }: CallOptions,
): Promise<StoredBytes> {
  const { key, etag } = source
  const { status, headers, body } = await transport.get({ ...requestOf(source), signal })
  const iterator = body[Symbol.asyncIterator]()
  const close = async (): Promise<void> => void (await iterator.return?.())
  if (status !== 200 || headers['etag'] !== etag || headers[OSS_HEADERS.crc64] !== source.crc64) {
    await close()
    throw new CseError('ERR_CSE_SOURCE_CHANGED', `${key} changed while it was read.`, { objectKey: key })
  }
  const crc = createCrc64()
  const chunks = { [Symbol.asyncIterator]: () => checkedBytes(iterator, source, { crc, signal }) }
  const recycle = body.recycle?.bind(body)
  const bytes = withheldEnd(recycle === undefined ? chunks : { ...chunks, recycle })
  return { bytes, crc64: () => String(crc.value()), close, response: { status, headers } }
}

async function* checkedBytes(
  iterator: AsyncIterator<Uint8Array>,
  { key, sizeBytes, crc64 }: SourceObject,
  { crc, signal }: CallOptions & { readonly crc: Crc64 },
): AsyncGenerator<Uint8Array, void, undefined> {
  let received = 0
  let ended = false
  try {
    for (;;) {
      const step = await iterator.next().catch((cause: unknown) => {
        signal?.throwIfAborted()
        throw CseError.isInstance(cause) ? cause : interrupted(key, cause)
      })
      if (step.done) break
      received += step.value.length
      if (received > sizeBytes) throw mismatch(key)
      crc.update(step.value)
      yield step.value
    }
    ended = true
  } finally {
    if (!ended) await iterator.return?.()
  }
  if (received < sizeBytes) throw interrupted(key)
  if (crc64 !== undefined && String(crc.value()) !== crc64) throw mismatch(key)
}

function mismatch(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INTEGRITY',
    `The bytes of ${objectKey} do not match the checksum and the length that the service keeps.`,
    { objectKey },
  )
}

/** A read that ended early may succeed when it is sent again. */
export function interrupted(objectKey: string, cause?: unknown): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `The connection broke while ${objectKey} was read.`, {
    cause,
    objectKey,
    retryable: true,
  })
}
