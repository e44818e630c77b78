import { TransportError, unwrapFailed } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { FakeKms } from '../test/fake-kms.ts'
import { kmsFailure } from './alicloud-errors.ts'
import { AlicloudKms } from './alicloud-kms.ts'
import { parseKeyName } from './key-id.ts'
import { KmsProvider } from './kms-provider.ts'
import { blobsOf } from './wrapped-text.ts'

/** So long that quadratic work exceeds the time limit of all tests, while linear work takes milliseconds. */
const LENGTH = 1_000_000
const pumped = (unit: string) => unit.repeat(Math.ceil(LENGTH / unit.length))
const code = (value: string) => expect.objectContaining({ code: value })

describe('texts of a million characters take time proportional to their length', () => {
  test.each([':', 'acs:kms:', 'a', 'key/', 'alias/'])('a key of only %j is a key of that name', (unit) => {
    const text = pumped(unit)
    expect(parseKeyName(`x${text}`)).toEqual({ id: `x${text}`, region: undefined })
    expect(parseKeyName(`acs:kms:r:1:key/${text}`)).toEqual({ id: text, region: 'r' })
    expect(parseKeyName(`acs:kms:${text}`)).toBeDefined()
  })

  test.each(['a', '.', '-', ':', '/', '@', '[', '0', '1.', ' ', '%'])(
    'an endpoint of only %j is accepted or refused',
    (unit) => {
      const outcome = (endpoint: string) => {
        try {
          return new AlicloudKms({ region: 'cn-hangzhou', endpoint, accessKeyId: 'a', accessKeySecret: 'b' })
        } catch (error) {
          return error
        }
      }
      for (const endpoint of [
        `${pumped(unit)}/`,
        `https://${pumped(unit)}/x`,
        `http://127.0.0.1${pumped(unit)}`,
        `kms.${pumped(unit)}.aliyuncs.com`,
      ]) {
        const made = outcome(endpoint)
        if (!(made instanceof AlicloudKms)) {
          expect(made).toEqual(
            expect.objectContaining({
              code: expect.stringMatching(/^ERR_CSE_(?:INVALID_ARGUMENT|WRONG_REGION)$/),
            }),
          )
        }
      }
    },
  )

  test('a region of that length is accepted or refused', () => {
    const build = (region: string) =>
      new AlicloudKms({ region, endpoint: 'localhost', accessKeyId: 'a', accessKeySecret: 'b' })
    expect(build(pumped('a-')).region).toHaveLength(LENGTH)
    expect(() => build(`${pumped('a-')}!`)).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test.each(['a', ' ', 'code: ', 'a: ', '4'])('a message of the client of only %j', (unit) => {
    const context = {
      operation: 'Decrypt',
      keyId: undefined,
      asksForCredentials: false,
      place: 'r',
      timeoutMs: 1,
    } as const
    const error = Object.assign(new Error(`${pumped(unit)}!`), {
      data: { Code: pumped(unit), RequestId: pumped(unit) },
    })
    const failure = kmsFailure(context, error)
    expect(TransportError.isInstance(failure) && failure.serviceCode).toBeUndefined()
    expect(failure.message.length).toBeLessThan(200)
  })

  test('a header of that length contains no blob, and a header of 64 KiB is decoded', async () => {
    expect(blobsOf(pumped('QUFB'))).toEqual([])
    expect(blobsOf('QUFB'.repeat(16_384))).toEqual(['AAA'.repeat(16_384), 'QUFB'.repeat(16_384)])
    const provider = new KmsProvider({ client: new FakeKms(), keyId: 'k' })
    const envelope = {
      version: 2,
      wrappedCek: pumped('QUFB'),
      wrappedIv: pumped('QUFB'),
      cekAlgorithm: 'AES/CTR/NoPadding',
      wrapAlgorithm: 'KMS/ALICLOUD',
      materialDescription: {},
    } as const
    await expect(provider.unwrap(envelope)).rejects.toEqual(unwrapFailed())
  })
})
