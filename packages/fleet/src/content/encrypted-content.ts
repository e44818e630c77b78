import { type CallOptions, type ContentFormat, CseError, type HeaderMap } from '@oss-cse/crypto-core'
import { checkMetadataSize, MAX_REQUEST_BYTES, planParts } from '@oss-cse/crypto-core/internal'
import type { NewContent, SentContent } from './new-content.ts'
import { bucketOf, type ContentKeys, type Plaintext } from './opened-source.ts'
import { StoredOtherwise } from './stored-otherwise.ts'
import { TakenBytes } from './taken-bytes.ts'

/** Plaintext that is to be encrypted under a fresh content key. */
export interface PlaintextContent {
  readonly keys: ContentKeys
  readonly format: ContentFormat
  /** All headers of the new object but its envelope. */
  readonly headers: HeaderMap
  /** The length of the plaintext. */
  readonly sizeBytes: number
  open(options: CallOptions): Promise<Plaintext>
  /** See `Ciphertext`. */
  readonly maxRequestBytes?: number | undefined
}

/**
 * Content under a fresh content key and IV, each time that it is stored: nothing else is ever encrypted under them. Above 5 GB it
 * is sent in parts, one after the other.
 *
 * @throws CseError `ERR_CSE_METADATA_TOO_LARGE`
 */
export function encryptedContent(content: PlaintextContent): NewContent {
  const { keys, format, headers, open, sizeBytes, maxRequestBytes = MAX_REQUEST_BYTES } = content
  // The envelope is checked with it, before a request that stores anything.
  checkMetadataSize(headers)
  const inParts = planParts(sizeBytes, undefined, format).storedBytes > maxRequestBytes
  return {
    headers,
    inParts,
    async store(destination, key, { signal }): Promise<SentContent> {
      const bucket = bucketOf(destination, keys, format)
      const { bytes: source, close } = await open({ signal })
      let missingBytes = sizeBytes
      let ended = false
      async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
        for await (const chunk of source) {
          missingBytes -= chunk.length
          // The last chunk comes after all checks.
          ended = missingBytes === 0
          yield chunk
        }
        ended = true
      }
      const bytes = watched()
      try {
        if (!inParts) {
          const { crc64 } = await bucket.put(key, bytes, { sizeBytes, headers, signal })
          return { crc64 }
        }
        const taken = new TakenBytes(bytes)
        const upload = await bucket.initiateMultipartUpload(key, { sizeBytes, headers, signal })
        try {
          for (let partNumber = 1; partNumber <= upload.plan.partCount; partNumber += 1) {
            await upload.uploadPart(partNumber, taken.take(upload.plan.part(partNumber).sizeBytes), {
              signal,
            })
          }
          const { crc64 } = await upload.completeMultipartUpload({ signal })
          return { crc64 }
        } catch (error) {
          // Without the signal: it may be the reason. What is left behind is found by a listing of uploads.
          await upload.abort().catch(() => {})
          throw error
        } finally {
          await taken.close()
        }
      } catch (error) {
        // The source was as it should be, so that this is about what the service stored.
        if (ended && CseError.isInstance(error) && error.code === 'ERR_CSE_INTEGRITY')
          throw new StoredOtherwise(key)
        throw error
      } finally {
        await close()
      }
    },
  }
}
