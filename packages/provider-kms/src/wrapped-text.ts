import { decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'

/**
 * How a CiphertextBlob stands in a header: itself (`blob`: the SDKs for Go and Java, and the second generation for
 * Python), or with one more layer of base64 around its text (`oss2`: oss2/models.py `to_object_meta` encodes whatever
 * the provider gave, and oss2/crypto.py `AliKMSProvider` gives the blob's text).
 */
export type KmsEncoding = 'blob' | 'oss2'

/** The text of a header that holds this blob. */
export function headerOf(ciphertextBlob: string, encoding: KmsEncoding): string {
  return encoding === 'oss2' ? encodeBase64(new TextEncoder().encode(ciphertextBlob)) : ciphertextBlob
}

/**
 * The blobs that a header may hold, the likelier first: none when it is not base64; two when it decodes to text that is
 * base64 again, which a blob of the service's binary form does only by chance.
 */
export function blobsOf(header: string): readonly string[] {
  const decoded = decodeBase64(header)
  if (decoded === undefined || decoded.length === 0) return []
  const inner = Buffer.from(decoded).toString('latin1')
  return decodeBase64(inner) === undefined ? [header] : [inner, header]
}
