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

/** Fields with an invalid Plaintext. */
const NO_PLAINTEXT: readonly (readonly [name: string, fields: object])[] = [
  ['absent', {}],
  ['an empty string', { Plaintext: '' }],
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
  ['not base64', { Plaintext: `${text(32).slice(0, -2)}!!` }],
  ['the raw bytes', { Plaintext: 'S'.repeat(32) }],
  ['in the prototype', { __proto__: { Plaintext: text(32) } }],
]

/** Complete responses that are not from KMS. */
const NO_RESPONSE: readonly (readonly [name: string, response: string])[] = [
  ['nothing', httpResponse('')],
  ['a page', httpResponse('<html>', { headers: 'Content-Type: text/html\r\n' })],
  ['JSON that is not an object', httpResponse('"text"')],
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
  ['an error without fields', httpResponse('{}', { status: '500 No' })],
]

const code = (...codes: readonly string[]) =>
  expect.objectContaining({ code: expect.stringMatching(new RegExp(`^(?:${codes.join('|')})$`)) })

async function failureOf(promise: Promise<unknown>): Promise<CseError> {
  const error = await promise.then(
    () => expect.unreachable('it resolved'),
    (thrown: unknown) => thrown,
  )
  if (!CseError.isInstance(error)) throw error
  // The response of KMS may contain a key.
  expect(JSON.stringify([error.message, error])).not.toMatch(/U1NTU|QUFBQUFB|SSSSSS|SECRET/)
  expect(error.cause).toBeUndefined()
  return error
}

/** Handles both calls of an object: one gets the response of the test, the other a valid one. */
const responding =
  (which: 'cek' | 'iv', response: string, version: 1 | 2 = 2) =>
  (socket: { write(text: string): unknown }, head: string): void => {
    const marks = [
      encodeURIComponent(V2.wrappedCek),
      encodeURIComponent(encodeBase64(SECRET)),
      'Action=GenerateDataKey',
    ]
    const isCek = marks.some((mark) => head.includes(mark))
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

/** Its requests contain the secret in plaintext. */
const wrapSecret = (kms: Parameters<typeof provide>[0]) => provide(kms).wrap({ cek: SECRET, iv: IV })

test.each(
  [V2, V1].flatMap((envelope) =>
    (['cek', 'iv'] as const).flatMap((which) =>
      NO_PLAINTEXT.map(([name, fields]) => ({ name, which, fields, envelope, version: envelope.version })),
    ),
  ),
)(
  'a Decrypt whose Plaintext is $name is never the $which of a V$version object',
  ({ which, fields, envelope }) =>
    withKmsServer(responding(which, json({ KeyId: KEY, ...fields }), envelope.version), async ({ kms }) => {
      const ring = new Keyring({ encrypting: provide(kms) })
      expect(await failureOf(ring.unwrap(envelope))).toEqual(code('ERR_CSE_UNWRAP_FAILED', 'ERR_CSE_SERVICE'))
    }),
)

test.each(NO_PLAINTEXT)('a GenerateDataKey whose Plaintext is %s is refused', (_name, fields) =>
  withKmsServer(
    responding('cek', json({ CiphertextBlob: text(90), KeyId: KEY, ...fields })),
    async ({ kms }) => {
      const ring = new Keyring({ encrypting: provide(kms) })
      expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_SERVICE'))
    },
  ),
)

test.each<[string, object]>([
  ['absent', {}],
  ['an empty string', { CiphertextBlob: '' }],
  ['an array', { CiphertextBlob: [text(90)] }],
  ['with a line break', { CiphertextBlob: `${text(90)}\r\nx-oss-meta-a: b` }],
  ['not ASCII', { CiphertextBlob: 'ü'.repeat(90) }],
  ['longer than all metadata of an object', { CiphertextBlob: 'A'.repeat(8196) }],
])('a CiphertextBlob that is %s is refused in either call', async (_name, fields) => {
  for (const which of ['cek', 'iv'] as const) {
    const response = json({ Plaintext: text(32), KeyId: KEY, ...fields })
    await withKmsServer(responding(which, response), async ({ kms }) => {
      const ring = new Keyring({ encrypting: provide(kms) })
      expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_SERVICE'))
      expect(await failureOf(wrapSecret(kms))).toEqual(code('ERR_CSE_SERVICE'))
    })
  }
})

test.each<[string, unknown]>([
  ['another key id', OTHER_KEY],
  ['the ARN of another key', `acs:kms:cn-hangzhou:1:key/${OTHER_KEY}`],
  ['a number', 5],
  ['an alias', 'alias/x'],
  ['an array', [KEY]],
  ['an empty string', ''],
])(
  'a value that another key wrapped is refused, on writes, re-wraps and reads: its KeyId is %s',
  async (_name, keyId) => {
    for (const which of ['cek', 'iv'] as const) {
      const sound = which === 'cek' ? encodeBase64(new Uint8Array(32).fill(9)) : encodeBase64(IV)
      const response = json({ Plaintext: sound, CiphertextBlob: text(90), KeyId: keyId })
      await withKmsServer(responding(which, response), async ({ kms }) => {
        const ring = new Keyring({ encrypting: provide(kms) })
        expect(await failureOf(ring.unwrap(V2))).toEqual(code('ERR_CSE_UNWRAP_FAILED', 'ERR_CSE_SERVICE'))
        expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_SERVICE'))
        expect(await failureOf(wrapSecret(kms))).toEqual(code('ERR_CSE_SERVICE'))
      })
    }
  },
)

test.each(NO_RESPONSE)(
  'a response that is not from KMS throws an error with a code, on writes, re-wraps and reads: %s',
  async (_name, response) => {
    for (const which of ['cek', 'iv'] as const) {
      await withKmsServer(responding(which, response), async ({ kms }) => {
        const ring = new Keyring({ encrypting: provide(kms) })
        for (const call of [() => ring.unwrap(V2), () => ring.generate(), () => wrapSecret(kms)]) {
          expect(await failureOf(call())).toEqual(
            code('ERR_CSE_SERVICE', 'ERR_CSE_NETWORK', 'ERR_CSE_THROTTLED'),
          )
        }
      })
    }
  },
)

test('a KMS that returns the same data key twice is refused at the second object', () =>
  withKmsServer(responding('iv', json({ CiphertextBlob: text(90), KeyId: KEY })), async ({ kms }) => {
    const ring = new Keyring({ encrypting: provide(kms) })
    await expect(ring.generate()).resolves.toHaveProperty('envelope')
    expect(await failureOf(ring.generate())).toEqual(code('ERR_CSE_CONTENT_KEY_REUSED'))
  }))
