import { expect, it } from 'vitest'
import { bodyOf, fakeServer, rejection, respondingWith, transportOnto } from '../test/fake-server.ts'

const CHUNK = new Uint8Array(1024 * 1024)

it('the location is the endpoint and the bucket, without credentials', async () => {
  const { server, transport } = await respondingWith('')
  expect(transport.location).toBe(`${server.endpoint}/my-bucket`)
})

it('copy and complete fail when a success has no document of OSS', async () => {
  const { transport } = await respondingWith('<html><p>Welcome to this hotel</html>')
  const parts = [{ partNumber: 1, etag: '"a"' }]
  const copy = transport.copy({ sourceKey: 'a', key: 'b', headers: {} })
  expect(await rejection(copy)).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200 })
  const complete = transport.complete({ key: 'a', uploadId: 'u', parts, headers: {} })
  expect(await rejection(complete)).toMatchObject({ code: 'ERR_CSE_SERVICE', status: 200 })
})

it('an endless response to anything but a read is refused, not collected', async () => {
  const server = await fakeServer((request, response) => {
    request.resume()
    const more = (): void => {
      while (!response.destroyed && response.write(CHUNK));
    }
    response.on('drain', more)
    more()
  })
  const put = transportOnto(server).put({ key: 'a', headers: {}, body: bodyOf([Buffer.from('abc')], 3) })
  expect(await rejection(put)).toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
})
