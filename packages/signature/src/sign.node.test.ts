// @ts-expect-error: it has no types.
import signUtils from 'ali-oss/lib/common/signUtils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AK, VECTORS_V1, VECTORS_V4 } from '../test/vectors.ts'
import type { AccessKey, RequestToSign, RequestToSignV4 } from './request-to-sign.ts'
import { signV1, signV4 } from './sign.node.ts'
import * as web from './sign.web.ts'

type Values = Readonly<Record<string, unknown>>

/** ali-oss 6.23 lib/common/signUtils.js. */
interface SignUtils {
  authorizationV4(
    accessKeyId: string,
    accessKeySecret: string,
    region: string,
    method: string,
    request: { headers: Values; queries: Values },
    bucket?: string,
    key?: string,
    additionalHeaders?: readonly string[],
    headerEncoding?: string,
    cloudBoxId?: string,
  ): string
  buildCanonicalString(method: string, resource: string, request: object): string
  authorization(accessKeyId: string, accessKeySecret: string, canonicalString: string): string
}

const aliOss: SignUtils = signUtils

const SCOPE = { region: 'cn-hangzhou' }

/** As ali-oss 6.23 lib/common/utils/createRequest.js passes the parameters: a subresource without a value is null. */
function queriesOf({ subresources = {}, query = {} }: RequestToSign): Values {
  const nulled = Object.entries(subresources).map(([name, value]) => [name, value === '' ? null : value])
  return { ...Object.fromEntries(nulled), ...query }
}

function aliOssV4(
  request: RequestToSignV4,
  { accessKeyId, accessKeySecret }: AccessKey,
  region: string,
): string {
  const { method, bucket, key, headers, additionalHeaders } = request
  const queries = queriesOf(request)
  return aliOss.authorizationV4(
    accessKeyId,
    accessKeySecret,
    region,
    method,
    { headers, queries },
    bucket,
    key,
    additionalHeaders,
  )
}

function aliOssV1({ method, bucket, key = '', headers, subresources }: RequestToSign, ak: AccessKey): string {
  const resource = bucket === undefined ? '/' : `/${bucket}/${key}`
  const text = aliOss.buildCanonicalString(method, resource, { headers, parameters: { ...subresources } })
  return aliOss.authorization(ak.accessKeyId, ak.accessKeySecret, text)
}

/** Any text that UTF-8 can encode, often with what escapes, separators and normalization treat specially. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).filter((value) => !/\p{Surrogate}/u.test(value)),
  fc
    .array(
      fc.constantFrom(
        ...[
          '/',
          '//',
          '.',
          '..',
          ' ',
          '+',
          '%',
          '%2F',
          '~',
          "'",
          '(',
          ')',
          '*',
          '!',
          '?',
          '#',
          '&',
          '=',
          ':',
          ';',
        ],
        ...[
          '\\',
          '"',
          '<',
          '\n',
          '\0',
          '\x7f',
          'a',
          'Z',
          '0',
          'ä',
          '\u00c5',
          'A\u030a',
          '文',
          '\u3000',
          '\u00a0',
          '😀',
        ],
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('')),
)
const headerValue = fc.oneof(
  text.map((value) => value.replaceAll(/[\r\n\0]/g, '')),
  fc.constantFrom('', ' ', '  a  b  ', '\ta\t', 'a,b', 'text/plain; charset=utf-8'),
)
/** The names begin with different letters: ali-oss orders parameters as a dictionary does, the service by bytes. */
const subresources = fc.dictionary(
  fc.constantFrom('acl', 'partNumber', 'uploadId', 'versionId', 'x-oss-process', 'objectMeta'),
  text,
)
const headers = fc.dictionary(
  fc.oneof(
    fc.constantFrom('content-type', 'content-md5', 'range', 'user-agent', 'accept-encoding', 'if-match'),
    fc.constantFrom(
      'x-oss-security-token',
      'x-oss-meta-a',
      'x-oss-meta-a-b',
      'x-oss-meta-a.b',
      'x-oss-storage-class',
    ),
    fc.stringMatching(/^x-oss-meta-[!#$&'*+.^_`|~0-9a-z-]{1,12}$/),
  ),
  headerValue,
)
const accessKey = fc.record({
  accessKeyId: fc.string({ minLength: 1 }),
  accessKeySecret: fc.string({ minLength: 1 }),
})
const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE'),
  bucket: fc.constantFrom('my-bucket', 'b-1'),
  key: text,
  subresources: fc.option(subresources, { nil: undefined }),
  headers,
})
const dateTime = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().replaceAll(/[-:]|\.\d+/g, ''))

test.each(VECTORS_V4)('node:crypto gives the published signature of version 4: $name', (vector) => {
  const { request, scope, authorization } = vector
  expect(signV4(request, AK, scope)).toBe(authorization)
  // With the signing key of before.
  expect(signV4(request, AK, scope)).toBe(authorization)
})

test.each(VECTORS_V1)('node:crypto gives the published signature of version 1: $name', (vector) => {
  expect(signV1(vector.request, vector)).toBe(vector.authorization)
})

describe('any request', () => {
  test('has the version 4 signature of ali-oss, in any region, with any key and any additional headers', () => {
    const further = fc.record({
      dateTime,
      accessKey,
      region: fc.constantFrom('cn-hangzhou', 'us-west-1', 'cn-beijing'),
      content: fc.constantFrom(undefined, 'UNSIGNED-PAYLOAD'),
      additional: fc.subarray(['range', 'If-Match', 'user-agent', 'content-type', 'x-oss-date']),
    })
    fc.assert(
      fc.property(request, further, (plain, { dateTime, accessKey, region, content, additional }) => {
        const complete: RequestToSignV4 = {
          ...plain,
          headers: {
            ...plain.headers,
            'x-oss-date': dateTime,
            ...(content !== undefined && { 'x-oss-content-sha256': content }),
          },
          additionalHeaders: additional.filter(
            (name) => name.toLowerCase() in plain.headers || /^(content|x-oss)/.test(name),
          ),
        }
        expect(signV4(complete, accessKey, { region })).toBe(aliOssV4(complete, accessKey, region))
      }),
      { numRuns: 3000 },
    )
  })

  test('has the version 1 signature of ali-oss, apart from white space around the type and the digest', () => {
    fc.assert(
      fc.property(request, accessKey, (plain, accessKey) => {
        const complete: RequestToSign = {
          ...plain,
          headers: {
            ...Object.fromEntries(
              Object.entries(plain.headers).map(([name, value]) => [
                name,
                name.startsWith('content-') ? value.trim() : value,
              ]),
            ),
            'x-oss-date': 'Sun, 29 Nov 2026 14:05:53 GMT',
          },
        }
        expect(signV1(complete, accessKey)).toBe(aliOssV1(complete, accessKey))
      }),
      { numRuns: 3000 },
    )
  })

  test('has the same signature with node:crypto and WebCrypto', async () => {
    await fc.assert(
      fc.asyncProperty(request, accessKey, dateTime, async (plain, accessKey, dateTime) => {
        const complete = { ...plain, headers: { ...plain.headers, 'x-oss-date': dateTime } }
        expect(await web.signV4(complete, accessKey, SCOPE)).toBe(signV4(complete, accessKey, SCOPE))
        expect(await web.signV1(complete, accessKey)).toBe(signV1(complete, accessKey))
      }),
      { numRuns: 200 },
    )
  })
})

describe('version 4', () => {
  const plain = { method: 'GET', bucket: 'my-bucket', headers: { 'x-oss-date': '20261129T140553Z' } }

  test('orders parameters by bytes, where ali-oss orders them as a dictionary does', () => {
    const inOrder = { ...plain, query: { B: '1', a: '2' } }
    expect(signV4({ ...plain, query: { a: '2', B: '1' } }, AK, SCOPE)).toBe(signV4(inOrder, AK, SCOPE))
    expect(aliOssV4(inOrder, AK, SCOPE.region)).not.toBe(signV4(inOrder, AK, SCOPE))
  })

  test('signs a parameter without a value by its name alone, wherever it was passed', () => {
    const asQuery = signV4({ ...plain, query: { uploads: '' } }, AK, SCOPE)
    expect(asQuery).toBe(signV4({ ...plain, subresources: { uploads: '' } }, AK, SCOPE))
    expect(asQuery).toBe(aliOssV4({ ...plain, subresources: { uploads: '' } }, AK, SCOPE.region))
  })

  test('signs a cloud box as ali-oss does', () => {
    expect(signV4(plain, AK, { region: 'cb-1', product: 'oss-cloudbox' })).toBe(
      aliOss.authorizationV4(
        'ak',
        'sk',
        'cb-1',
        'GET',
        { headers: plain.headers, queries: {} },
        'my-bucket',
        undefined,
        undefined,
        undefined,
        'cb-1',
      ),
    )
  })

  test('signs the service itself', () => {
    const service = { method: 'GET', headers: plain.headers }
    expect(signV4(service, AK, SCOPE)).toBe(aliOssV4(service, AK, SCOPE.region))
  })

  test.each([
    ['has no date', {}],
    ['has the date of version 1', { 'x-oss-date': 'Sun, 29 Nov 2026 14:05:53 GMT' }],
  ])('throws if the request %s', (_, headers) => {
    expect(() => signV4({ ...plain, headers }, AK, SCOPE)).toThrow(TypeError)
  })

  test('throws if an additional header is missing', () => {
    expect(() => signV4({ ...plain, additionalHeaders: ['host'] }, AK, SCOPE)).toThrow(TypeError)
  })

  test('throws for half of a surrogate pair, which UTF-8 cannot encode', () => {
    expect(() => signV4({ ...plain, key: '\ud83d' }, AK, SCOPE)).toThrow(URIError)
  })
})

describe('version 1', () => {
  test('signs a type without the white space around it, as the service reads it. ali-oss does not', () => {
    const date = { 'x-oss-date': 'Sun, 29 Nov 2026 14:05:53 GMT' }
    const spaced = { method: 'PUT', bucket: 'b-1', key: 'k', headers: { ...date, 'content-type': ' a/b ' } }
    const bare = { ...spaced, headers: { ...date, 'content-type': 'a/b' } }
    expect(signV1(spaced, AK)).toBe(signV1(bare, AK))
    expect(aliOssV1(spaced, AK)).not.toBe(aliOssV1(bare, AK))
  })

  test('throws if the request has no date', () => {
    expect(() => signV1({ method: 'GET', headers: {} }, AK)).toThrow(TypeError)
  })
})
