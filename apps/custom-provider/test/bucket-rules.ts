import { CryptoBucket } from '@oss-cse/bucket'
import { decodeEnvelope, encodeEnvelope, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'

const MIB = 1024 * 1024

/** Proves that a bucket works with this provider as it does with the official ones. */
export function testInBucket(createProvider: () => MasterKeyProvider | Promise<MasterKeyProvider>): void {
  const content = Uint8Array.from({ length: MIB + 77 }, (_, index) => (index * 7 + (index >> 8)) & 0xff)

  describe('in a bucket', () => {
    test('an object is read back, whole and as a range, and is not stored in plaintext', async () => {
      const transport = new MemoryTransport()
      const bucket = new CryptoBucket({ transport, provider: await createProvider() })
      await bucket.put('object', content)
      expect(await bucket.getBytes('object')).toEqual(content)
      const range = { start: 12_345, end: 67_890 }
      expect(await bucket.getBytes('object', { range })).toEqual(content.subarray(12_345, 67_891))
      expect(transport.objects.get('object')?.bytes).not.toEqual(content)
    })

    test('an upload in parts is read back, and another process can resume one', async () => {
      const transport = new MemoryTransport()
      const bucket = new CryptoBucket({ transport, provider: await createProvider() })
      await bucket.upload('parts', content, { multipartThresholdBytes: 1, partSizeBytes: 128 * 1024 })
      expect(await bucket.getBytes('parts')).toEqual(content)

      const plan = { sizeBytes: content.length, partSizeBytes: MIB }
      const upload = await bucket.initiateMultipartUpload('resumed', plan)
      await upload.uploadPart(1, content.subarray(0, MIB))
      const state = JSON.parse(JSON.stringify(upload))
      const later = new CryptoBucket({ transport, provider: await createProvider() })
      const unverified = await later.resumeMultipartUpload(state)
      const resumed = await unverified.verifyParts(({ offsetBytes, sizeBytes }) =>
        content.subarray(offsetBytes, offsetBytes + sizeBytes),
      )
      await resumed.uploadPart(2, content.subarray(MIB))
      await resumed.completeMultipartUpload()
      expect(await later.getBytes('resumed')).toEqual(content)
    })

    test('it shares a keyring with another provider, and still reads its objects when it no longer encrypts', async () => {
      const transport = new MemoryTransport()
      const provider = await createProvider()
      const newKey = createTestProvider({ materialDescription: { key: 'new' } })

      await new CryptoBucket({ transport, provider }).put('before', 'written before')
      const keyring = new Keyring({ encrypting: newKey, decrypting: [provider] })
      const bucket = new CryptoBucket({ transport, keyring })
      await bucket.put('after', 'written after')

      const texts = await Promise.all(['before', 'after'].map((key) => bucket.getBytes(key)))
      expect(texts.map((bytes) => new TextDecoder().decode(bytes))).toEqual([
        'written before',
        'written after',
      ])
    })

    test('an object moves to this key from another one, with the same ciphertext, and this key alone reads it', async () => {
      const transport = new MemoryTransport()
      const [provider, old] = [await createProvider(), createTestProvider()]
      await new CryptoBucket({ transport, provider: old }).put('object', content)
      const stored = transport.objects.get('object')
      const envelope = decodeEnvelope(stored?.headers ?? {})
      if (stored === undefined || envelope === undefined) throw new Error('not stored')
      const keyring = new Keyring({ encrypting: provider, decrypting: [old] })
      await transport.plant('object', stored.bytes, encodeEnvelope(await keyring.rewrap(envelope)))
      expect(await new CryptoBucket({ transport, provider }).getBytes('object')).toEqual(content)
    })
  })
}
