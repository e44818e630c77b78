// Runs the built package once under each Node, both halves of it.
import assert from 'node:assert/strict'
import { signV1, signV4 } from '@oss-cse/signature'

const web = await import(new URL('index.web.js', import.meta.resolve('@oss-cse/signature')))

const accessKey = { accessKeyId: 'ak', accessKeySecret: 'sk' }
const v4 = {
  method: 'PUT',
  bucket: 'my-bucket',
  key: "a b/ä+'()*!~.txt",
  subresources: { partNumber: '1', uploadId: 'U' },
  headers: { 'x-oss-date': '20261129T140553Z', 'x-oss-content-sha256': 'UNSIGNED-PAYLOAD' },
}
const expected =
  'OSS4-HMAC-SHA256 Credential=ak/20261129/cn-hangzhou/oss/aliyun_v4_request,Signature=c14bd5c3c5859d0e87553391b418535abe44903f2d90cc36bd9cde565aa91fac'
assert.equal(signV4(v4, accessKey, { region: 'cn-hangzhou' }), expected)
assert.equal(await web.signV4(v4, accessKey, { region: 'cn-hangzhou' }), expected)

const v1 = { ...v4, headers: { 'x-oss-date': 'Sun, 29 Nov 2026 14:05:53 GMT' } }
assert.equal(signV1(v1, accessKey), 'OSS ak:yyOw5O7JJAZ9YHjAeA3Ghcqd3Ps=')
assert.equal(await web.signV1(v1, accessKey), 'OSS ak:yyOw5O7JJAZ9YHjAeA3Ghcqd3Ps=')
