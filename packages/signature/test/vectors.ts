import type { RequestToSign, RequestToSignV4, SignatureScope } from '../src/request-to-sign.ts'

/** A published result of version 4. */
export interface VectorV4 {
  readonly name: string
  readonly request: RequestToSignV4
  readonly scope: SignatureScope
  readonly authorization: string
}

/** A published result of version 1. */
export interface VectorV1 {
  readonly name: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly request: RequestToSign
  readonly authorization: string
}

/** The access key of the vectors of version 4. */
export const AK = { accessKeyId: 'ak', accessKeySecret: 'sk' } as const

const CLOUD_BOX: SignatureScope = { region: 'cb-123', product: 'oss-cloudbox' }

function putObject(dateTime: string, more: Partial<RequestToSignV4> = {}): RequestToSignV4 {
  return {
    method: 'PUT',
    bucket: 'bucket',
    key: '1234+-/123/1.txt',
    query: {
      param1: 'value1',
      '+param1': 'value3',
      '|param1': 'value4',
      '+param2': '',
      '|param2': '',
      param2: '',
    },
    ...more,
    headers: {
      'x-oss-head1': 'value',
      abc: 'value',
      zabc: 'value',
      xyz: 'value',
      'content-type': 'text/plain',
      'x-oss-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-oss-date': dateTime,
      ...more.headers,
    },
  }
}

/** From alibabacloud-oss-go-sdk-v2, oss/signer/signer_test.go. */
export const VECTORS_V4: readonly VectorV4[] = [
  {
    name: 'an object',
    request: putObject('20231216T162057Z'),
    scope: { region: 'cn-hangzhou' },
    authorization:
      'OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/aliyun_v4_request,Signature=e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe',
  },
  {
    name: 'a cloud box',
    request: putObject('20231216T162057Z'),
    scope: CLOUD_BOX,
    authorization:
      'OSS4-HMAC-SHA256 Credential=ak/20231216/cb-123/oss-cloudbox/aliyun_v4_request,Signature=94ce1f12c17d148ea681030275a94449d3357f5b5b21133996eec80af3e08a43',
  },
  {
    name: 'temporary credentials',
    request: putObject('20231217T034736Z', { headers: { 'x-oss-security-token': 'token' } }),
    scope: { region: 'cn-hangzhou' },
    authorization:
      'OSS4-HMAC-SHA256 Credential=ak/20231217/cn-hangzhou/oss/aliyun_v4_request,Signature=b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea',
  },
  {
    name: 'additional headers',
    request: putObject('20231216T172512Z', {
      additionalHeaders: ['ZAbc', 'abc', 'abc', 'x-oss-head1', 'content-type'],
    }),
    scope: { region: 'cn-hangzhou' },
    authorization:
      'OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/aliyun_v4_request,AdditionalHeaders=abc;zabc,Signature=4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f',
  },
]

const GO_PUT = {
  'content-md5': 'eB5eJF1ptWaXm4bijSPyxw==',
  'content-type': 'text/html',
  'x-oss-meta-author': 'alice',
  'x-oss-meta-magic': 'abracadabra',
  'x-oss-date': 'Wed, 28 Dec 2022 10:27:41 GMT',
}

function goVector(name: string, request: RequestToSign, signature: string): VectorV1 {
  return {
    name,
    accessKeyId: 'ak',
    accessKeySecret: 'sk',
    request,
    authorization: `OSS ak:${signature}`,
  }
}

export const VECTORS_V1: readonly VectorV1[] = [
  {
    name: 'the example of the documentation, "Add signatures to headers" (help.aliyun.com/document_detail/31951.html)',
    accessKeyId: '44CF9590006BF252F707',
    accessKeySecret: 'OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV',
    request: {
      method: 'PUT',
      bucket: 'oss-example',
      key: 'nelson',
      headers: {
        'content-md5': 'ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=',
        'content-type': 'text/html',
        date: 'Thu, 17 Nov 2005 18:49:58 GMT',
        host: 'oss-example.oss-cn-hangzhou.aliyuncs.com',
        'x-oss-meta-author': 'foo@bar.com',
        'x-oss-magic': 'abracadabra',
      },
    },
    authorization: 'OSS 44CF9590006BF252F707:26NBxoKdsyly4EDv6inkoDft/yA=',
  },
  // From alibabacloud-oss-go-sdk-v2, oss/signer/signer_test.go.
  goVector(
    'an object',
    { method: 'PUT', bucket: 'examplebucket', key: 'nelson', headers: GO_PUT },
    'kSHKmLxlyEAKtZPkJhG9bZb5k7M=',
  ),
  goVector(
    'a subresource',
    { method: 'PUT', bucket: 'examplebucket', key: 'nelson', subresources: { acl: '' }, headers: GO_PUT },
    '/afkugFbmWDQ967j1vr6zygBLQk=',
  ),
  goVector(
    'a parameter that is not signed',
    {
      method: 'GET',
      bucket: 'examplebucket',
      subresources: { resourceGroup: '' },
      query: { 'non-resousce': 'null' },
      headers: { 'x-oss-date': 'Wed, 28 Dec 2022 10:27:41 GMT' },
    },
    'vkQmfuUDyi1uDi3bKt67oemssIs=',
  ),
  goVector(
    'several subresources',
    {
      method: 'GET',
      bucket: 'examplebucket',
      subresources: { resourceGroup: '', acl: '' },
      headers: { 'x-oss-date': 'Wed, 28 Dec 2022 10:27:41 GMT' },
    },
    'x3E5TgOvl/i7PN618s5mEvpJDYk=',
  ),
]
