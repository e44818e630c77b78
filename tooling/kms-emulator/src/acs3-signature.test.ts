import { describe, expect, it } from 'vitest'
import { type Acs3Input, acs3Signature, acs3StringToSign, parseAcs3Authorization } from './acs3-signature.ts'
import { parseParameters } from './kms-request.ts'

const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const DOCUMENTED: Acs3Input = {
  method: 'POST',
  path: '/',
  query: parseParameters('RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd'),
  headers: new Map([
    ['host', 'ecs.cn-shanghai.aliyuncs.com'],
    ['x-acs-action', 'RunInstances'],
    ['x-acs-content-sha256', EMPTY_HASH],
    ['x-acs-date', '2023-10-26T10:22:32Z'],
    ['x-acs-signature-nonce', '3156853299f313e23d1673dc12e1703d'],
    ['x-acs-version', '2014-05-26'],
  ]),
  signedHeaders: [
    'host',
    'x-acs-action',
    'x-acs-content-sha256',
    'x-acs-date',
    'x-acs-signature-nonce',
    'x-acs-version',
  ],
  payloadHash: EMPTY_HASH,
}
const SIGNATURE = '06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0'

describe('the ACS3 signature', () => {
  it("is that of the documentation's example", () => {
    expect(acs3Signature('YourAccessKeySecret', acs3StringToSign(DOCUMENTED))).toBe(SIGNATURE)
  })

  it('does not depend on the order of the query', () => {
    const reversed = { ...DOCUMENTED, query: [...DOCUMENTED.query].reverse() }
    expect(acs3StringToSign(reversed)).toBe(acs3StringToSign(DOCUMENTED))
  })
})

describe('the authorization header', () => {
  const header = `ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host;x-acs-date,Signature=${SIGNATURE}`

  it('is parsed', () => {
    const parts = { accessKeyId: 'id', signedHeaders: ['host', 'x-acs-date'], signature: SIGNATURE }
    expect(parseAcs3Authorization(header)).toEqual(parts)
    expect(parseAcs3Authorization(header.replaceAll(',', ', '))).toEqual(parts)
  })

  it.each([
    header.replace('Credential=id,', ''),
    header.replace('Credential=id', 'Credential='),
    header.replace('SHA256', 'SM3'),
    header.slice(0, -1),
    `${header}0`,
    '',
  ])('is refused if it is "%s"', (text) => {
    expect(parseAcs3Authorization(text)).toBeUndefined()
  })
})
