import { CseError, type Envelope, encodeBase64, Keyring } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { httpResponse, withKmsServer } from '../test/kms-server.ts'
import { KmsProvider } from './kms-provider.ts'

const KEY = '1234abcd-12ab-34cd-56ef-1234567890ab'
const OTHER_KEY = '9999abcd-12ab-34cd-56ef-1234567890ab'
const SECRET = new Uint8Array(32).fill(0x53)
const IV = new Uint8Array(16).fill(0x54)

const text = (sizeBytes: number) => encodeBase64(new Uint8Array(sizeBytes).fill(0x53))
const json = (fields: object) => httpResponse(JSON.stringify(fields))
const nested = (brackets: number) => '['.repeat(brackets) + ']'.repeat(brackets)

const V2: Envelope = {
  version: 2,
  wrappedCek: encodeBase64(new Uint8Array(100).fill(1)),
  wrappedIv: encodeBase64(new Uint8Array(100).fill(2)),
  cekAlgorithm: 'AES/CTR/NoPadding',
  wrapAlgorithm: 'KMS/ALICLOUD',
  materialDescription: {},
}
const V1: Envelope = {
  version: 1,
  wrappedCek: V2.wrappedCek,
  wrappedStart: encodeBase64(new Uint8Array(100).fill(2)),
  cekAlgorithm: 'AES/GCM/NoPadding',
  wrapAlgorithm: 'kms',
  materialDescription: {},
}

/** Fields in place of a Plaintext that is none, whatever it should have been. */
const NO_PLAINTEXT: readonly (readonly [name: string, fields: object])[] = [
  ['none', {}],
  ['an empty one', { Plaintext: '' }],
  ['null', { Plaintext: null }],
  ['an array', { Plaintext: [text(32)] }],
  ['an object', { Plaintext: { a: text(32) } }],
  ['a number', { Plaintext: 3.2 }],
  ['a boolean', { Plaintext: true }],
  ['15 bytes', { Plaintext: text(15) }],
  ['17 bytes', { Plaintext: text(17) }],
  ['31 bytes', { Plaintext: text(31) }],
  ['33 bytes', { Plaintext: text(33) }],
  ['64 bytes', { Plaintext: text(64) }],
  ['700,000 characters', { Plaintext: 'QUFB'.repeat(175_000) }],
  ['no base64', { Plaintext: `${text(32).slice(0, -2)}!!` }],
  ['the bytes themselves', { Plaintext: 'S'.repeat(32) }],
  ['a name that every object has', { __proto__: { Plaintext: text(32) } }],
]

/** Whole responses that are none of KMS. */
const NO_RESPONSE: readonly (readonly [name: string, response: string])[] = [
  ['nothing', httpResponse('')],
  ['a page', httpResponse('<html>', { headers: 'Content-Type: text/html\r\n' })],
  ['JSON that is no object', httpResponse('"text"')],
  ['null', httpResponse('null')],
  ['an array', httpResponse('[]')],
  ['an array in 100,000 others', httpResponse(nested(100_000))],
  ['a Plaintext in 100,000 arrays', httpResponse(`{"Plaintext":${nested(100_000)}}`)],
  ['a redirect', httpResponse('', { status: '302 Found', headers: 'Location: http://127.0.0.1:1/\r\n' })],
  ['a compressed body', httpResponse('\u001f\u008b', { headers: 'Content-Encoding: gzip\r\n' })],
  ['another protocol', 'SSH-2.0-x\r\n\r\n'],
  ['endless headers', `HTTP/1.1 200 OK\r\n${'X-A: bbbbbbbbbbbbbbbbbbbb\r\n'.repeat(4000)}\r\n`],
  ['an error whose code is an object', httpResponse('{"Code":{"toString":1}}', { status: '400 Bad' })],
  ['an error whose code is long', httpResponse(`{"Code":"${'a: '.repeat(100_000)}"}`, { status: '400 Bad' })],
  ['an error of no fields', httpResponse('{}', { status: '500 No' })],
]

const code = (...codes: readonly string[]) =>
  expect.objectContaining({ code: expect.stringMatching(new RegExp(`^(?:${codes.join('|')})$`)) })

async function failureOf(promise: Promise<unknown>): Promise<CseError> {
  const error = await promise.then(
    () => expect.unreachable('it resolved'),
    (thrown: unknown) => thrown,
  )
  if (!CseError.isInstance(error)) throw error
  // What KMS sent is a key, or may be one.
  expect(JSON.stringify([error.message, error])).not.toMatch(/U1NTU|QUFBQUFB|SSSSSS|SECRET/)
  expect(error.cause).toBeUndefined()
  return error
}

/** Both calls of an object, where one of them is answered by what a test wants, and the other soundly. */
const answering =
  (which: 'cek' | 'iv', response: string, version: 1 | 2 = 2) =>
  (socket: { write(text: string): unknown }, head: string): void => {
    const isCek = head.includes(encodeURIComponent(V2.wrappedCek)) || head.includes('Action=GenerateDataKey')
    const iv = version === 1 ? '7' : encodeBase64(IV)
    const sound = json({
      Plaintext: isCek ? encodeBase64(SECRET) : iv,
      CiphertextBlob: text(90),
      KeyId: KEY,
    })
    socket.write((which === 'cek') === isCek ? response : sound)
  }

const provide = (kms: ConstructorParameters<typeof KmsProvider>[0]['client']) =>
  new KmsProvider({ client: kms, keyId: KEY, retry: { maxAttempts: 1 } })

test.each(
  [V2, V1].flatMap((envelope) =>
    (['cek', 'iv'] as const).flatMap((which) =>
      NO_PLAINTEXT.map(([name, fields]) => ({ name, which, fields, envelope, version: envelope.version })),
    ),
  ),
)('a Decrypt whose Plaintext is $name is no $which of a V$version object', ({ which, fields, envelope }) =>
  withKmsServer(answering(which, json({ KeyId: KEY, ...fields }), envelope.version), async ({ kms }) => {
    const ring = new Keyring({ encrypting: provide(kms) })
    expect(await failureOf(ring.unwrap(envelope))).toEqual(code('ERR_CSE_UNWRAP_FAILED', 'ERR_CSE_SERVICE'))
  }),
)

test.each(NO_PLAINTEXT)('a GenerateDataKey whose Plaintext is %s makes no object', (_name, fields) =>
  withKmsServer(
    answering('cek', json({ CiphertextBlob: text(90), KeyId: KEY, ...fields })),
    async ({ kms }) => {
      const ring = new Keyring({ encrypting: provide(kms) })
      expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_SERVICE'))
    },
  ),
)

test.each<[string, object]>([
  ['none', {}],
  ['an empty one', { CiphertextBlob: '' }],
  ['an array', { CiphertextBlob: [text(90)] }],
  ['with a line break', { CiphertextBlob: `${text(90)}\r\nx-oss-meta-a: b` }],
  ['no ASCII', { CiphertextBlob: 'ü'.repeat(90) }],
  ['longer than all metadata of an object', { CiphertextBlob: 'A'.repeat(8196) }],
])('a CiphertextBlob that is %s makes no object, of either call', async (_name, fields) => {
  for (const which of ['cek', 'iv'] as const) {
    const answer = json({ Plaintext: text(32), KeyId: KEY, ...fields })
    await withKmsServer(answering(which, answer), async ({ kms }) => {
      const ring = new Keyring({ encrypting: provide(kms) })
      expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_SERVICE'))
    })
  }
})

test.each<[string, unknown]>([
  ['another one', OTHER_KEY],
  ['the ARN of another one', `acs:kms:cn-hangzhou:1:key/${OTHER_KEY}`],
  ['a number', 5],
  ['an alias', 'alias/x'],
  ['an array', [KEY]],
  ['an empty one', ''],
])(
  'what a key of another name wrapped is refused, in writing and reading: its KeyId is %s',
  async (_name, keyId) => {
    for (const which of ['cek', 'iv'] as const) {
      const sound = which === 'cek' ? encodeBase64(new Uint8Array(32).fill(9)) : encodeBase64(IV)
      const answer = json({ Plaintext: sound, CiphertextBlob: text(90), KeyId: keyId })
      await withKmsServer(answering(which, answer), async ({ kms }) => {
        const ring = new Keyring({ encrypting: provide(kms) })
        expect(await failureOf(ring.unwrap(V2))).toEqual(code('ERR_CSE_UNWRAP_FAILED', 'ERR_CSE_SERVICE'))
        expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_SERVICE'))
      })
    }
  },
)

test.each(NO_RESPONSE)(
  'a response that is none of KMS is a coded error, in writing and reading: %s',
  async (_name, response) => {
    for (const which of ['cek', 'iv'] as const) {
      await withKmsServer(answering(which, response), async ({ kms }) => {
        const ring = new Keyring({ encrypting: provide(kms) })
        for (const call of [ring.unwrap(V2), ring.generate()]) {
          expect(await failureOf(call)).toEqual(
            code('ERR_CSE_SERVICE', 'ERR_CSE_NETWORK', 'ERR_CSE_THROTTLED'),
          )
        }
      })
    }
  },
)

test('a KMS whose GenerateDataKey returns one key twice is refused at the second object', () =>
  withKmsServer(answering('iv', json({ CiphertextBlob: text(90), KeyId: KEY })), async ({ kms }) => {
    const ring = new Keyring({ encrypting: provide(kms) })
    await expect(ring.generate()).resolves.toHaveProperty('envelope')
    expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_CONTENT_KEY_REUSED'))
  }))
