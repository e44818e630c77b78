import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { envelope, type RawResponse, signedRequest } from '../testing/signed-request.ts'
import type { CseSwitches } from './cse-rules.ts'

const PART = 102_400
const SIZES = { 'data-size': String(PART * 2 + 5), 'part-size': String(PART) }
let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

function outcome(response: RawResponse): readonly unknown[] {
  return [response.status, response.element('Code'), response.headers['x-oss-ec']]
}

function refused(ec: string | undefined): readonly unknown[] {
  return [400, 'InvalidEncryptionRequest', ec]
}

function initiate(headers: Record<string, string>, target = emulator): Promise<RawResponse> {
  return signedRequest(target, { method: 'POST', key: 'mp', query: 'uploads', headers })
}

async function upload(headers: Record<string, string>, target = emulator): Promise<string> {
  return (await initiate(headers, target)).element('UploadId') ?? ''
}

function part(
  uploadId: string,
  number: number,
  sizeBytes: number,
  headers: Record<string, string> = {},
  target = emulator,
): Promise<RawResponse> {
  const query = `partNumber=${number}&uploadId=${uploadId}`
  return signedRequest(target, { method: 'PUT', key: 'mp', query, headers, body: Buffer.alloc(sizeBytes) })
}

function complete(uploadId: string, etags: readonly string[], target = emulator): Promise<RawResponse> {
  const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
  return signedRequest(target, {
    method: 'POST',
    key: 'mp',
    query: `uploadId=${uploadId}`,
    body: `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`,
  })
}

describe('an encrypted PutObject', () => {
  it.each([
    ['key', '0005-00000401'],
    ['start', '0005-00000402'],
    ['cek-alg', '0005-00000403'],
    ['wrap-alg', '0005-00000404'],
  ])('without %s is refused with EC %s', async (name, ec) => {
    const headers = envelope({ [name]: undefined })
    expect(outcome(await signedRequest(emulator, { method: 'PUT', key: 'o', headers }))).toEqual(refused(ec))
  })

  it('with the literal wrap algorithm rsa needs the magic number', async () => {
    const headers = envelope({ 'wrap-alg': 'rsa' })
    const response = await signedRequest(emulator, { method: 'PUT', key: 'o', headers })
    expect(outcome(response)).toEqual(refused('0005-00000405'))
  })

  it('is stored with its complete envelope', async () => {
    const response = await signedRequest(emulator, { method: 'PUT', key: 'o', headers: envelope() })
    expect(response.status).toBe(200)
    expect((await emulator.getStoredObject('demo', 'o'))?.headers).toMatchObject(envelope())
  })

  it('is not encrypted because of a material description alone', async () => {
    const headers = { 'x-oss-meta-client-side-encryption-matdesc': '{}' }
    expect((await signedRequest(emulator, { method: 'PUT', key: 'o', headers })).status).toBe(200)
  })
})

describe('an encrypted Initiate', () => {
  it.each([
    [{ 'part-size': '102400' }, '0005-00000406'],
    [{ 'data-size': '102400' }, '0005-00000407'],
    [{ 'data-size': '9x5.2', 'part-size': '102400' }, '0005-00000408'],
    [{ 'data-size': '0', 'part-size': '102400' }, '0005-00000408'],
    [{ 'data-size': '102400', 'part-size': 'abc' }, '0005-00000409'],
    [{ 'data-size': '102400', 'part-size': '100' }, '0005-00000409'],
    [{ 'data-size': '200000', 'part-size': '16' }, '0005-00000410'],
  ])('with %j is refused with EC %s', async (sizes, ec) => {
    expect(outcome(await initiate(envelope(sizes)))).toEqual(refused(ec))
  })

  it('may announce parts below 100 KiB', async () => {
    const id = await upload(envelope({ 'data-size': '3', 'part-size': '16' }))
    const { headers } = await part(id, 1, 3)
    expect((await complete(id, [String(headers.etag)])).status).toBe(200)
  })
})

describe('an UploadPart of an encrypted upload', () => {
  it('is accepted without encryption headers and with those of the Initiate', async () => {
    const id = await upload(envelope(SIZES))
    expect((await part(id, 1, PART)).status).toBe(200)
    expect((await part(id, 2, PART, envelope(SIZES))).status).toBe(200)
    const extra = { ...envelope(SIZES), 'x-oss-meta-client-side-encryption-unencrypted-content-md5': 'x' }
    expect((await part(id, 3, 5, extra)).status).toBe(200)
  })

  it.each([
    ['key', '0005-00000412'],
    ['start', '0005-00000413'],
    ['cek-alg', '0005-00000414'],
    ['wrap-alg', '0005-00000415'],
    ['data-size', '0005-00000417'],
    ['part-size', '0005-00000418'],
  ])('with another %s is refused with EC %s', async (name, ec) => {
    const id = await upload(envelope(SIZES))
    const other = envelope({ ...SIZES, [name]: name.endsWith('size') ? '102416' : 'b3RoZXI=' })
    expect(outcome(await part(id, 1, PART, other))).toEqual(refused(ec))
  })

  it('compares the magic number if the wrap algorithm is rsa', async () => {
    const rsa = { ...SIZES, 'wrap-alg': 'rsa', 'magic-number-hmac': 'a' }
    const id = await upload(envelope(rsa))
    const response = await part(id, 1, PART, envelope({ ...rsa, 'magic-number-hmac': 'b' }))
    expect(outcome(response)).toEqual(refused('0005-00000416'))
  })

  it('must have the announced length, in any order', async () => {
    const id = await upload(envelope(SIZES))
    expect(outcome(await part(id, 3, 6))).toEqual(refused('0005-00000420'))
    expect(outcome(await part(id, 1, PART - 1))).toEqual(refused('0005-00000419'))
    expect((await part(id, 3, 5)).status).toBe(200)
  })

  it('beyond the announced count is refused', async () => {
    const id = await upload(envelope(SIZES))
    const response = await part(id, 4, 5)
    expect(outcome(response)).toEqual(refused(undefined))
    expect(response.element('Message')).toBe('The partId must less or equal to expectedPartNumber.')
  })

  it('needs the headers if the switch says so', async () => {
    const strict = await startOssEmulator({ cse: { strictUploadPartHeaders: true } })
    const id = await upload(envelope(SIZES), strict)
    expect(outcome(await part(id, 1, PART, {}, strict))).toEqual(refused('0005-00000401'))
    await strict.close()
  })
})

describe('a Complete of an encrypted upload', () => {
  it('with too few parts is refused, unless the switch says otherwise', async () => {
    for (const refuseMissingParts of [true, false]) {
      const target = await startOssEmulator({ cse: { refuseMissingParts } })
      const id = await upload(envelope(SIZES), target)
      const { headers } = await part(id, 1, PART, {}, target)
      const response = await complete(id, [String(headers.etag)], target)
      if (refuseMissingParts) expect(outcome(response)).toEqual(refused('0005-00000411'))
      else expect(response.status).toBe(200)
      await target.close()
    }
  })

  it('stores the envelope with both sizes on the object, and ListParts shows it', async () => {
    const id = await upload(envelope(SIZES))
    const etags: string[] = []
    for (const [number, size] of [
      [1, PART],
      [2, PART],
      [3, 5],
    ] as const) {
      etags.push(String((await part(id, number, size)).headers.etag))
    }
    const list = await signedRequest(emulator, { key: 'mp', query: `uploadId=${id}` })
    expect(list.element('ClientEncryptionKey')).toBe('a2V5')
    expect(list.element('ClientEncryptionStart')).toBe('c3RhcnQ=')
    expect(list.element('ClientEncryptionCekAlg')).toBe('AES/CTR/NoPadding')
    expect(list.element('ClientEncryptionWrapAlg')).toBe('RSA/NONE/PKCS1Padding')
    expect(list.element('ClientEncryptionDataSize')).toBe(SIZES['data-size'])
    expect(list.element('ClientEncryptionPartSize')).toBe(SIZES['part-size'])
    expect((await complete(id, etags)).status).toBe(200)
    const head = await signedRequest(emulator, { method: 'HEAD', key: 'mp' })
    expect(head.headers).toMatchObject(envelope(SIZES))
  })
})

describe('a copy of an encrypted object', () => {
  const copy = (headers: Record<string, string>, target = emulator, key = 'copy'): Promise<RawResponse> =>
    signedRequest(target, { method: 'PUT', key, headers: { 'x-oss-copy-source': '/demo/src', ...headers } })
  const source = (cse?: CseSwitches): Promise<OssEmulator> =>
    startOssEmulator(cse === undefined ? {} : { cse }).then(async (target) => {
      await signedRequest(target, {
        method: 'PUT',
        key: 'src',
        headers: envelope({ matdesc: '{}' }),
        body: 'x',
      })
      return target
    })
  const REPLACE = { 'x-oss-metadata-directive': 'REPLACE' }

  it('has the envelope, and ignores encryption headers unless it replaces metadata', async () => {
    const target = await source()
    expect((await copy(envelope({ key: 'other' }), target)).status).toBe(200)
    expect((await target.getStoredObject('demo', 'copy'))?.headers).toMatchObject(envelope({ matdesc: '{}' }))
    await target.close()
  })

  it('cannot replace the envelope, even onto itself', async () => {
    const target = await source()
    expect(outcome(await copy({ ...REPLACE, ...envelope() }, target))).toEqual(refused('0005-00000421'))
    expect(outcome(await copy(envelope(), target, 'src'))).toEqual(refused('0005-00000421'))
    await target.close()
  })

  it('keeps the envelope when it replaces other metadata, unless the switch says otherwise', async () => {
    const target = await source()
    expect((await copy({ ...REPLACE, 'x-oss-meta-a': '1' }, target)).status).toBe(200)
    expect((await target.getStoredObject('demo', 'copy'))?.headers).toMatchObject({
      ...envelope({ matdesc: '{}' }),
      'x-oss-meta-a': '1',
    })
    await target.close()
    const strict = await source({ copyReplaceKeepsEnvelope: false })
    expect(outcome(await copy({ ...REPLACE, 'x-oss-meta-a': '1' }, strict))).toEqual(refused('0005-00000421'))
    await strict.close()
  })

  it('as a part is refused, both from and to an encrypted object', async () => {
    await emulator.putStoredObject('demo', 'plain', { bytes: Buffer.from('x') })
    await emulator.putStoredObject('demo', 'secret', { bytes: Buffer.from('x'), headers: envelope() })
    for (const [headers, from] of [
      [{}, 'secret'],
      [envelope(SIZES), 'plain'],
    ] as const) {
      const id = await upload({ ...headers })
      const query = `partNumber=1&uploadId=${id}`
      const response = await signedRequest(emulator, {
        method: 'PUT',
        key: 'mp',
        query,
        headers: { 'x-oss-copy-source': `/demo/${from}` },
      })
      expect(outcome(response)).toEqual(refused('0042-00000309'))
    }
  })
})
