import {
  type CallOptions,
  CseError,
  contentFormat,
  type Envelope,
  type HeaderMap,
  plaintextLength,
} from '@oss-cse/crypto-core'
import {
  checkMetadataSize,
  isEnvelopeHeader,
  MAX_REQUEST_BYTES,
  planParts,
  V2_HEADERS,
} from '@oss-cse/crypto-core/internal'
import type { SourceObject } from '../objects/source-object.ts'
import type { NewContent } from './new-content.ts'
import { putInParts } from './put-in-parts.ts'
import type { StoredBytes } from './stored-bytes.ts'

/** Ciphertext that is sent as it is, under an envelope. */
export interface Ciphertext {
  readonly source: SourceObject
  readonly envelope: Envelope
  /** The envelope as headers. Default: as the source has them. */
  readonly envelopeHeaders?: HeaderMap | undefined
  /** All other headers of the new object. */
  readonly headers: HeaderMap
  open(options: CallOptions): Promise<StoredBytes>
  /** The most bytes that one request may have. A longer object is sent in parts. Default: the limit of the service. */
  readonly maxRequestBytes?: number | undefined
}

/**
 * The content of an object that stays encrypted as it is: only its envelope is another one. An object above 5 GB is sent in
 * parts, one after the other, under the same content key. Its source may have had other parts, or none.
 *
 * @throws CseError `ERR_CSE_METADATA_TOO_LARGE`
 */
export function ciphertextContent(ciphertext: Ciphertext): NewContent {
  const { source, envelope, headers, maxRequestBytes = MAX_REQUEST_BYTES } = ciphertext
  const { sizeBytes } = source
  const format = contentFormat(envelope)
  const plan =
    sizeBytes <= maxRequestBytes
      ? undefined
      : planParts(format === 'sealed' ? plaintextLength(sizeBytes) : sizeBytes, undefined, format)
  const envelopeHeaders = {
    ...withoutParts(ciphertext.envelopeHeaders ?? envelopeHeadersOf(source)),
    ...(plan && {
      [V2_HEADERS.dataSize]: String(plan.storedBytes),
      [V2_HEADERS.partSize]: String(plan.partSizeBytes),
    }),
  }
  const all = { ...headers, ...envelopeHeaders }
  checkMetadataSize(all)
  return {
    headers,
    inParts: plan !== undefined,
    async store(destination, key, { signal }) {
      const { bytes, crc64, close } = await ciphertext.open({ signal })
      try {
        const body = { sizeBytes, open: once(bytes, key) }
        if (plan === undefined) await destination.put({ key, headers: all, body, signal })
        else
          await putInParts(destination, {
            key,
            headers: all,
            partHeaders: envelopeHeaders,
            plan,
            bytes,
            signal,
          })
        return { crc64: crc64() }
      } finally {
        await close()
      }
    },
  }
}

/** Returns the envelope of an object as its headers have it. */
function envelopeHeadersOf({ headers }: SourceObject): HeaderMap {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isEnvelopeHeader(name)))
}

function withoutParts(headers: HeaderMap): HeaderMap {
  const { [V2_HEADERS.dataSize]: _dataSize, [V2_HEADERS.partSize]: _partSize, ...others } = headers
  return others
}

function once<Bytes>(bytes: Bytes, objectKey: string): () => Bytes {
  let opened = false
  return () => {
    if (opened)
      throw new CseError('ERR_CSE_SOURCE', `${objectKey}: its bytes can be read only once.`, { objectKey })
    opened = true
    return bytes
  }
}
