import { describe, expect, it } from 'vitest'
import { parseParameters } from './kms-request.ts'
import { rpcSignature, rpcStringToSign } from './rpc-signature.ts'

const DOCUMENTED =
  'Timestamp=2016-02-23T12%3A46%3A24Z&Format=XML&AccessKeyId=testid&Action=DescribeRegions' +
  '&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26' +
  '&SignatureVersion=1.0'

describe('the RPC signature', () => {
  it("is that of the documentation's example", () => {
    const text = rpcStringToSign('GET', parseParameters(DOCUMENTED))
    expect(rpcSignature('testsecret', text)).toBe('OLeaidS1JvxuMvnyHOwuJ+uX5qY=')
  })

  it('covers neither itself nor the order of the parameters', () => {
    const reversed = parseParameters(`${DOCUMENTED}&Signature=anything`).reverse()
    expect(rpcStringToSign('GET', reversed)).toBe(rpcStringToSign('GET', parseParameters(DOCUMENTED)))
  })

  it('escapes each character twice that is not unreserved', () => {
    expect(rpcStringToSign('POST', parseParameters("a=~ *'%2Bé"))).toBe(
      'POST&%2F&a%3D~%2520%252A%2527%252B%25C3%25A9',
    )
  })

  it('covers bytes that are not UTF-8 as received, and a broken escape as literal text', () => {
    const text = rpcStringToSign('POST', parseParameters('a=%ff%FE%80+%C3%A9&b=%z'))
    expect(text).toBe('POST&%2F&a%3D%25FF%25FE%2580%2520%25C3%25A9%26b%3D%2525z')
  })
})
