import type { CseErrorCode, TransportError } from '@oss-cse/crypto-core'
import { serviceFailure } from '@oss-cse/crypto-core/internal'
import { expect, it } from 'vitest'
import { errorXml, fakeServer, rejection, transportOnto } from '../../test/fake-server.ts'
import { networkFailure } from './connection-errors.ts'

const context = { operation: 'get', bucket: 'b', objectKey: 'k', renewalHint: 'Renew it.' }

const SERVICE: readonly [number, string | undefined, CseErrorCode, boolean][] = [
  [404, 'NoSuchKey', 'ERR_CSE_NOT_FOUND', false],
  [404, 'NoSuchBucket', 'ERR_CSE_NOT_FOUND', false],
  [404, 'NoSuchUpload', 'ERR_CSE_NOT_FOUND', false],
  [404, undefined, 'ERR_CSE_NOT_FOUND', false],
  [403, 'AccessDenied', 'ERR_CSE_ACCESS_DENIED', false],
  [403, 'RequestTimeTooSkewed', 'ERR_CSE_CLOCK_SKEW', false],
  [403, 'SecurityTokenExpired', 'ERR_CSE_CREDENTIALS_EXPIRED', false],
  [403, 'InvalidSecurityToken', 'ERR_CSE_ACCESS_DENIED', false],
  [403, undefined, 'ERR_CSE_ACCESS_DENIED', false],
  [412, 'PreconditionFailed', 'ERR_CSE_PRECONDITION_FAILED', false],
  [412, undefined, 'ERR_CSE_PRECONDITION_FAILED', false],
  [409, 'FileAlreadyExists', 'ERR_CSE_PRECONDITION_FAILED', false],
  [409, 'BucketAlreadyExists', 'ERR_CSE_SERVICE', false],
  [304, undefined, 'ERR_CSE_NOT_MODIFIED', false],
  [416, 'InvalidRange', 'ERR_CSE_RANGE_NOT_SATISFIABLE', false],
  [400, 'InvalidArgument', 'ERR_CSE_SERVICE', false],
  [400, 'RequestTimeout', 'ERR_CSE_TIMEOUT', true],
  [408, undefined, 'ERR_CSE_TIMEOUT', true],
  [400, 'IncompleteBody', 'ERR_CSE_NETWORK', true],
  [400, 'InvalidDigest', 'ERR_CSE_INTEGRITY', true],
  [400, 'InvalidCRC64', 'ERR_CSE_INTEGRITY', true],
  [429, undefined, 'ERR_CSE_THROTTLED', true],
  [429, 'QpsLimitExceeded', 'ERR_CSE_THROTTLED', true],
  [403, 'QpsLimitExceeded', 'ERR_CSE_THROTTLED', true],
  [503, 'TotalQpsLimitExceeded', 'ERR_CSE_THROTTLED', true],
  [503, 'PartitionQpsLimitted', 'ERR_CSE_THROTTLED', true],
  [503, 'DownloadTrafficRateLimitExceeded', 'ERR_CSE_THROTTLED', true],
  [503, 'ActiveRequestLimitExceeded', 'ERR_CSE_THROTTLED', true],
  [503, 'ServiceUnavailable', 'ERR_CSE_THROTTLED', true],
  [503, 'SomethingNew', 'ERR_CSE_THROTTLED', true],
  [503, undefined, 'ERR_CSE_THROTTLED', true],
  [400, 'Throttling.User', 'ERR_CSE_THROTTLED', true],
  [500, 'InternalError', 'ERR_CSE_SERVICE', true],
  [200, 'InternalError', 'ERR_CSE_SERVICE', true],
  [502, undefined, 'ERR_CSE_SERVICE', true],
  [501, 'NotImplemented', 'ERR_CSE_SERVICE', false],
  [301, undefined, 'ERR_CSE_SERVICE', false],
  [203, 'CallbackFailed', 'ERR_CSE_SERVICE', false],
]

it.each(SERVICE)('status %s with code %s is %s, retryable: %s', (status, serviceCode, code, retryable) => {
  const data = Buffer.from(serviceCode === undefined ? '' : errorXml(serviceCode))
  const error = serviceFailure(context, { status, headers: {}, data })
  expect(error).toMatchObject({ code, status, retryable, objectKey: 'k' })
  expect(error.serviceCode).toBe(serviceCode)
  expect(error.message).toContain('"k"')
  expect(error.cause).toBeUndefined()
})

it.each([
  ['120', 120],
  ['0', 0],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
])('a throttled request with x-oss-qos-delay-time %j was throttled for %s ms', (text, qosDelayMs) => {
  const data = Buffer.from(errorXml('TotalQpsLimitExceeded'))
  const headers = { 'x-oss-qos-delay-time': text }
  expect(serviceFailure(context, { status: 503, headers, data }).qosDelayMs).toBe(qosDelayMs)
})

it('the error of a wrong clock says to set the clock', () => {
  const data = Buffer.from(errorXml('RequestTimeTooSkewed'))
  expect(serviceFailure(context, { status: 403, headers: {}, data }).message).toContain('clock')
})

it('the error of an expired token says how to renew it, in terms of the options that were passed', () => {
  const data = Buffer.from(errorXml('SecurityTokenExpired'))
  const { message } = serviceFailure(context, { status: 403, headers: {}, data })
  expect(message).toContain('Renew it.')
})

it.each([
  ['ETIMEDOUT', 'ERR_CSE_TIMEOUT', true],
  ['ECONNRESET', 'ERR_CSE_NETWORK', true],
  ['EPIPE', 'ERR_CSE_NETWORK', true],
  ['ENOTFOUND', 'ERR_CSE_NETWORK', true],
  ['ECONNREFUSED', 'ERR_CSE_NETWORK', true],
  ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_CSE_NETWORK', true],
  ['HPE_INVALID_CONSTANT', 'ERR_CSE_NETWORK', true],
  ['CERT_HAS_EXPIRED', 'ERR_CSE_NETWORK', false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_CSE_NETWORK', false],
  ['EPROTO', 'ERR_CSE_NETWORK', false],
])('the network error %s is %s, retryable: %s', (nodeCode, code, retryable) => {
  const cause = Object.assign(new Error('it broke'), { code: nodeCode })
  expect(networkFailure(context, cause, true)).toMatchObject({ code, retryable, cause, objectKey: 'k' })
})

it('only code, message, request id and EC are read from the error document of a GET', async () => {
  const document = errorXml('NoSuchBucket', 'No &lt;such&gt; bucket.').replace(
    '</Error>',
    '<StringToSign>hidden</StringToSign></Error>',
  )
  const server = await fakeServer((_, response) => response.writeHead(404).end(document))
  const error = (await rejection(transportOnto(server).get({ key: 'k', headers: {} }))) as TransportError
  expect(error).toMatchObject({
    code: 'ERR_CSE_NOT_FOUND',
    serviceCode: 'NoSuchBucket',
    requestId: '6556E3AED11E553933CCDEDF',
    ec: '0026-00000001',
    status: 404,
  })
  expect(error.message).toContain('No <such> bucket.')
  expect(error.message).not.toContain('hidden')
})

it.each([403, 404, 412, 500])(
  'the error of a HEAD is read from x-oss-err, whatever the status: %s',
  async (status) => {
    const server = await fakeServer((_, response) =>
      response
        .writeHead(status, { 'x-oss-err': Buffer.from(errorXml('NoSuchBucket')).toString('base64') })
        .end(),
    )
    expect(await rejection(transportOnto(server).head({ key: 'k', headers: {} }))).toMatchObject({
      status,
      code: 'ERR_CSE_NOT_FOUND',
      serviceCode: 'NoSuchBucket',
      requestId: '6556E3AED11E553933CCDEDF',
    })
  },
)

it('a HEAD without x-oss-err is judged by its status and keeps the ids of the headers', async () => {
  const server = await fakeServer((_, response) =>
    response.writeHead(403, { 'x-oss-request-id': 'abc', 'x-oss-ec': '0003-00000001' }).end(),
  )
  expect(await rejection(transportOnto(server).head({ key: 'k', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_ACCESS_DENIED',
    requestId: 'abc',
    ec: '0003-00000001',
  })
})

it('304 is ERR_CSE_NOT_MODIFIED with the headers of the response, for GET and for HEAD', async () => {
  const server = await fakeServer((_, response) => response.writeHead(304, { ETag: '"a"' }).end())
  const transport = transportOnto(server)
  const request = { key: 'k', headers: { 'if-none-match': '"a"' } }
  const notModified = { code: 'ERR_CSE_NOT_MODIFIED', headers: { etag: '"a"' } }
  expect(await rejection(transport.get(request))).toMatchObject(notModified)
  expect(await rejection(transport.head(request))).toMatchObject(notModified)
})

it('no byte of a response that is not an error document appears in an error', async () => {
  const server = await fakeServer((request, response) => {
    response
      .writeHead(request.method === 'GET' && request.url?.includes('list-type') ? 200 : 500)
      .end('THE OBJECT')
  })
  const transport = transportOnto(server)
  for (const call of [() => transport.get({ key: 'k', headers: {} }), () => transport.list({})]) {
    const error = (await rejection(call())) as TransportError
    expect(error.code).toBe('ERR_CSE_SERVICE')
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('THE OBJECT')
  }
})

it('an error document with a status of success is an error', async () => {
  const server = await fakeServer((_, response) => response.end(errorXml('InternalError')))
  const call = transportOnto(server).copy({ sourceKey: 'a', key: 'k', headers: {} })
  expect(await rejection(call)).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200, retryable: true })
})

it('a refused connection is ERR_CSE_NETWORK with Node’s error as cause', async () => {
  const server = await fakeServer(() => {})
  const transport = transportOnto({ ...server, endpoint: 'http://127.0.0.1:1' })
  expect(await rejection(transport.head({ key: 'k', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_NETWORK',
    retryable: true,
    cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
  })
})

it('a failed request is not repeated', async () => {
  const server = await fakeServer((request) => request.destroy())
  const transport = transportOnto(server)
  expect(await rejection(transport.head({ key: 'k', headers: {} }))).toMatchObject({
    code: 'ERR_CSE_NETWORK',
    retryable: true,
  })
  expect(server.seen).toHaveLength(1)
})
