import { describe, expect, it } from 'vitest'
import { parseQuery } from '../protocol/oss-request.ts'
import { parseV4Credential, v4Signature, v4StringsToSign } from './signature-v4.ts'

const QUERY = 'param1=value1&%2Bparam1=value3&%7Cparam1=value4&%2Bparam2=&%7Cparam2=&param2='
const HEADERS: readonly (readonly [string, string])[] = [
  ['x-oss-head1', 'value'],
  ['abc', 'value'],
  ['zabc', 'value'],
  ['xyz', 'value'],
]

interface Vector {
  readonly name: string
  readonly credential: string
  readonly dateTime: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly query?: string
  readonly additionalHeaders?: string
  readonly signature: string
}

function sign(vector: Vector): string {
  const credential = parseV4Credential(vector.credential)
  if (credential === undefined) throw new Error('not a credential')
  const [text = ''] = v4StringsToSign({
    method: 'PUT',
    headers: new Map([...HEADERS, ...(vector.headers ?? [])]),
    parameters: parseQuery(`${QUERY}${vector.query ?? ''}`),
    location: { bucket: 'bucket', key: '1234+-/123/1.txt' },
    credential,
    dateTime: vector.dateTime,
    additionalHeaders: vector.additionalHeaders ?? '',
  })
  return v4Signature('sk', credential, text)
}

function header(dateTime: string): readonly (readonly [string, string])[] {
  return [
    ['content-type', 'text/plain'],
    ['x-oss-content-sha256', 'UNSIGNED-PAYLOAD'],
    ['x-oss-date', dateTime],
  ]
}

function url(credential: string, dateTime: string, extra = ''): string {
  return `&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=${dateTime}&x-oss-expires=599&x-oss-credential=${encodeURIComponent(credential)}${extra}`
}

const HANGZHOU_16 = 'ak/20231216/cn-hangzhou/oss/aliyun_v4_request'
const HANGZHOU_17 = 'ak/20231217/cn-hangzhou/oss/aliyun_v4_request'
const CLOUD_BOX_16 = 'ak/20231216/cb-123/oss-cloudbox/aliyun_v4_request'
const CLOUD_BOX_17 = 'ak/20231217/cb-123/oss-cloudbox/aliyun_v4_request'
const BINARY: readonly (readonly [string, string])[] = [['content-type', 'application/octet-stream']]
const ADDITIONAL = '&x-oss-additional-headers=abc%3Bzabc'

/** Known results of the Go SDK V2, oss/signer/signer_test.go. */
const VECTORS: readonly Vector[] = [
  {
    name: 'header',
    credential: HANGZHOU_16,
    dateTime: '20231216T162057Z',
    headers: header('20231216T162057Z'),
    signature: 'e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe',
  },
  {
    name: 'header of a cloud box',
    credential: CLOUD_BOX_16,
    dateTime: '20231216T162057Z',
    headers: header('20231216T162057Z'),
    signature: '94ce1f12c17d148ea681030275a94449d3357f5b5b21133996eec80af3e08a43',
  },
  {
    name: 'header with a security token',
    credential: HANGZHOU_17,
    dateTime: '20231217T034736Z',
    headers: [...header('20231217T034736Z'), ['x-oss-security-token', 'token']],
    signature: 'b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea',
  },
  {
    name: 'header with additional headers',
    credential: HANGZHOU_16,
    dateTime: '20231216T172512Z',
    headers: header('20231216T172512Z'),
    additionalHeaders: 'abc;zabc',
    signature: '4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f',
  },
  {
    name: 'URL',
    credential: HANGZHOU_17,
    dateTime: '20231217T025437Z',
    headers: BINARY,
    query: url(HANGZHOU_17, '20231217T025437Z'),
    signature: 'a39966c61718be0d5b14e668088b3fa07601033f6518ac7b523100014269c0fe',
  },
  {
    name: 'URL with a security token',
    credential: HANGZHOU_17,
    dateTime: '20231217T035628Z',
    headers: BINARY,
    query: url(HANGZHOU_17, '20231217T035628Z', '&x-oss-security-token=token'),
    signature: '3817ac9d206cd6dfc90f1c09c00be45005602e55898f26f5ddb06d7892e1f8b5',
  },
  {
    name: 'URL with additional headers',
    credential: HANGZHOU_17,
    dateTime: '20231217T033009Z',
    headers: BINARY,
    query: url(HANGZHOU_17, '20231217T033009Z', ADDITIONAL),
    additionalHeaders: 'abc;zabc',
    signature: '6bd984bfe531afb6db1f7550983a741b103a8c58e5e14f83ea474c2322dfa2b7',
  },
  {
    name: 'URL of a cloud box',
    credential: CLOUD_BOX_17,
    dateTime: '20231217T025437Z',
    headers: BINARY,
    query: url(CLOUD_BOX_17, '20231217T025437Z', ADDITIONAL),
    additionalHeaders: 'abc;zabc',
    signature: '07284191b9b4978ac3520cd39ee2dea2747eda454089359371ff463a6c7ba20f',
  },
]

describe('V4 signatures', () => {
  it.each(VECTORS)('agree with the Go SDK: $name', (vector) => {
    expect(sign(vector)).toBe(vector.signature)
  })
})
