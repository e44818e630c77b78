import { CryptoBucket } from '@oss-cse/bucket'
import {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  type GetObjectResponse,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { OLD, RewriteSite } from '../../test/rewrite-site.ts'
import { readSource } from '../objects/source-object.ts'
import { ciphertextContent } from './ciphertext-content.ts'
import { encryptedContent } from './encrypted-content.ts'
import { openCiphertext, openPlaintext } from './opened-source.ts'

const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => i * 3)
const KINDS = ['aes-ctr', 'sealed', 'aes-ctr, fresh', 'sealed, fresh', 'plain'] as const

/** Content that is made of an object. */
async function contentOf(kind: (typeof KINDS)[number]) {
  const site = new RewriteSite()
  const { transport, keyring } = site
  const format = kind.startsWith('sealed') ? 'sealed' : 'aes-ctr'
  if (kind === 'plain') await transport.plant('k', BYTES)
  else await new CryptoBucket({ transport, provider: OLD, format }).put('k', BYTES)
  const source = await readSource(transport, 'k')
  const keys = { keyring, context: undefined }
  if (kind === 'plain' || kind.endsWith('fresh')) {
    const open = (call: object) => openPlaintext(transport, source, keys, call)
    const content = encryptedContent({ keys, format, headers: {}, sizeBytes: BYTES.length, open })
    return { transport, source, content }
  }
  const envelope = await keyring.rewrap(decodeEnvelope(source.headers) as Envelope)
  const open = (call: object) => openCiphertext(transport, source, keys, call)
  const envelopeHeaders = encodeEnvelope(envelope)
  return {
    transport,
    source,
    content: ciphertextContent({ source, envelope, envelopeHeaders, headers: {}, open }),
  }
}

describe.each(KINDS)('a source that is not what it was (%s)', (kind) => {
  test.each([
    ['altered', (bytes: Uint8Array) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1)],
    ['cut', (bytes: Uint8Array) => bytes.subarray(0, -1)],
    ['extended', (bytes: Uint8Array) => Uint8Array.from([...bytes, 1])],
  ])(
    '%s: the last bytes never leave, so that a server has nothing that it could store',
    async (_what, change) => {
      const { transport, content } = await contentOf(kind)
      const object = transport.objects.get('k')
      if (object === undefined) throw new Error('no object')
      transport.objects.set('k', { ...object, bytes: change(object.bytes) })
      // The service states the length of what it sends; a body can still be longer or shorter.
      transport.alterGet = (response: GetObjectResponse) => ({
        ...response,
        headers: { ...response.headers, 'content-length': String(object.bytes.length) },
      })
      let left = 0
      let announced: number | undefined
      const put = transport.put.bind(transport)
      transport.put = (request) => {
        announced = request.body.sizeBytes
        const open = () =>
          counted(request.body.open(), (bytes) => {
            left += bytes
          })
        return put({ ...request, body: { ...request.body, open } })
      }
      await expect(content.store(transport, 'k2', {})).rejects.toMatchObject({ code: expect.any(String) })
      expect(announced).toBeGreaterThan(0)
      expect(left).toBeLessThan(announced ?? 0)
      expect(transport.objects.has('k2')).toBe(false)
    },
  )
})

test('of an object without a checksum, bytes that were fetched again are not mixed with those that had left', async () => {
  const { transport, source } = await contentOf('sealed')
  const { crc64: _crc64, ...unchecked } = source
  let gets = 0
  transport.alterGet = ({ headers, body, ...response }: GetObjectResponse) => {
    gets += 1
    const { [OSS_HEADERS.crc64]: _removed, ...kept } = headers
    return { ...response, headers: kept, body: gets === 1 ? flipped(body) : body }
  }
  const keys = { keyring: new RewriteSite().keyring, context: undefined }
  const { bytes } = await openCiphertext(transport, unchecked, keys, {})
  const read = async (): Promise<void> => {
    for await (const _ of bytes);
  }
  await expect(read()).rejects.toMatchObject({ code: 'ERR_CSE_NETWORK', retryable: true })
  expect(gets).toBe(2)
})

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    onBytes(chunk.length)
    yield chunk
  }
}

/** The second segment of a sealed object is altered. */
async function* flipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let chunks = 0
  for await (const chunk of bytes) {
    chunks += 1
    yield chunks === 2 ? chunk.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) : chunk
  }
}
