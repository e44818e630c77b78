import { CryptoBucket } from '@oss-cse/bucket'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import type { PageEmulator } from './browser-service.ts'

/**
 * Writes objects in one request, in parts, and in parts of a Blob, which a worker can encrypt, and reads them again.
 *
 * @returns the keys of those that differ
 */
export async function roundTrip({
  accessKeyId,
  accessKeySecret,
  ...address
}: PageEmulator): Promise<readonly string[]> {
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  const transport = new FetchTransport({ ...address, credentials })
  const small = new Uint8Array(300_000).map((_, index) => index)
  const large = new Uint8Array(3_000_000).map((_, index) => index)
  const differing: string[] = []
  for (const format of ['aes-ctr', 'sealed'] as const) {
    const bucket = new CryptoBucket({ transport, provider: createTestProvider(), format })
    await bucket.put(`${format}/put`, small)
    const multipartThresholdBytes = 0
    await bucket.upload(`${format}/parts`, small, { partSizeBytes: 131_072, multipartThresholdBytes })
    const blob = new Blob([large])
    await bucket.upload(`${format}/blob`, blob, { partSizeBytes: 1_048_576, multipartThresholdBytes })
    for (const [name, bytes] of Object.entries({ put: small, parts: small, blob: large })) {
      const read = await bucket.getBytes(`${format}/${name}`)
      const isEqual = read.length === bytes.length && read.every((byte, index) => byte === bytes[index])
      if (!isEqual) differing.push(`${format}/${name}`)
    }
  }
  return differing
}
