import { decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'

/**
 * The encoding of a CiphertextBlob in a header: unchanged (`blob`: the SDKs for Go and Java, and the second
 * generation for Python), or with one more layer of base64 around its text (`oss2`: oss2/models.py `to_object_meta`
 * encodes any value of the provider, and oss2/crypto.py `AliKMSProvider` returns the text of the blob).
 */
export type KmsEncoding = 'blob' | 'oss2'

/** Returns the header text for this blob. */
export function headerOf(ciphertextBlob: string, encoding: KmsEncoding): string {
  return encoding === 'oss2' ? encodeBase64(new TextEncoder().encode(ciphertextBlob)) : ciphertextBlob
}

/**
 * Returns the blobs that a header may contain, the more likely first. None if it is not base64. Two if it decodes to
 * text that is base64 again, which happens to a blob of the service's binary form only by chance.
 */
export function blobsOf(header: string): readonly string[] {
  const decoded = decodeBase64(header)
  if (decoded === undefined || decoded.length === 0) return []
  const inner = Buffer.from(decoded).toString('latin1')
  return decodeBase64(inner) === undefined ? [header] : [inner, header]
}
