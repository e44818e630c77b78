import { decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'

/**
 * The encoding of a CiphertextBlob in a header.
 *
 * - `blob`: unchanged, as in the SDKs for Go and Java, and in the second generation for Python.
 * - `oss2`: the text of the blob in base64 again. oss2/models.py `to_object_meta` encodes each value of the provider, and
 *   oss2/crypto.py `AliKMSProvider` returns the text of the blob.
 */
export type KmsEncoding = 'blob' | 'oss2'

/** Encodes a blob as the text of a header. */
export function headerOf(ciphertextBlob: string, encoding: KmsEncoding): string {
  return encoding === 'oss2' ? encodeBase64(new TextEncoder().encode(ciphertextBlob)) : ciphertextBlob
}

/**
 * Returns the possible blobs of a header, the more likely one first. There are none if the header is not base64. There
 * are two if it decodes to text that is itself base64. A binary blob of the service decodes to such text only by chance.
 */
export function blobsOf(header: string): readonly string[] {
  const decoded = decodeBase64(header)
  if (decoded === undefined || decoded.length === 0) return []
  const inner = Buffer.from(decoded).toString('latin1')
  return decodeBase64(inner) === undefined ? [header] : [inner, header]
}
