import { describe, expect, it } from 'vitest'
import { parseQuery } from '../protocol/oss-request.ts'
import { v1Signature, v1StringsToSign } from './signature-v1.ts'

const DATE = 'Wed, 28 Dec 2022 10:27:41 GMT'
const PUT_HEADERS = new Map([
  ['content-md5', 'eB5eJF1ptWaXm4bijSPyxw=='],
  ['content-type', 'text/html'],
  ['x-oss-meta-author', 'alice'],
  ['x-oss-meta-magic', 'abracadabra'],
  ['x-oss-date', DATE],
])

/** Known results of the Go SDK V2, oss/signer/signer_test.go. */
describe('V1 signatures', () => {
  const cases = [
    {
      method: 'PUT',
      headers: PUT_HEADERS,
      query: '',
      key: 'nelson',
      signature: 'kSHKmLxlyEAKtZPkJhG9bZb5k7M=',
    },
    {
      method: 'PUT',
      headers: PUT_HEADERS,
      query: 'acl',
      key: 'nelson',
      signature: '/afkugFbmWDQ967j1vr6zygBLQk=',
    },
    {
      method: 'GET',
      headers: new Map([['x-oss-date', DATE]]),
      query: 'resourceGroup&non-resousce=null',
      key: '',
      signature: 'vkQmfuUDyi1uDi3bKt67oemssIs=',
    },
    {
      method: 'GET',
      headers: new Map([['x-oss-date', DATE]]),
      query: 'resourceGroup&acl',
      key: '',
      signature: 'x3E5TgOvl/i7PN618s5mEvpJDYk=',
    },
  ]
  it.each(cases)(
    'of a header agree with the Go SDK: $method ?$query',
    ({ method, headers, query, key, signature }) => {
      const [text = ''] = v1StringsToSign({
        method,
        headers,
        parameters: parseQuery(query),
        location: { bucket: 'examplebucket', key },
        date: DATE,
      })
      expect(v1Signature('sk', text)).toBe(signature)
    },
  )

  it.each([
    {
      query: 'versionId=versionId',
      key: 'key',
      date: '1699807420',
      signature: 'dcLTea+Yh9ApirQ8o8dOPqtvJXQ=',
    },
    {
      query: 'versionId=versionId&security-token=token',
      key: 'key+123',
      date: '1699808204',
      signature: 'jzKYRrM5y6Br0dRFPaTGOsbrDhY=',
    },
  ])('of a URL agree with the Go SDK: $key', ({ query, key, date, signature }) => {
    const [text = ''] = v1StringsToSign({
      method: 'GET',
      headers: new Map(),
      parameters: parseQuery(query),
      location: { bucket: 'bucket', key },
      date,
    })
    expect(v1Signature('sk', text)).toBe(signature)
  })

  it('sign the service as a single slash', () => {
    const [text] = v1StringsToSign({
      method: 'GET',
      headers: new Map(),
      parameters: [],
      location: { bucket: '', key: '' },
      date: DATE,
    })
    expect(text).toBe(`GET\n\n\n${DATE}\n/`)
  })
})
