import { expect, it } from 'vitest'
import { bodyOf, fakeServer, readRequest, transportOnto } from '../../test/fake-server.ts'

it('the caller’s headers are not changed, and a frozen map is sent completely', async () => {
  const server = await fakeServer(async (request, response) => {
    await readRequest(request)
    response.end()
  })
  const transport = transportOnto(server)
  const headers = Object.freeze({
    'content-type': 'text/x-test',
    'x-oss-meta-client-side-encryption-key': 'a2V5',
  })
  await transport.put({ key: 'a.txt', headers, body: bodyOf([Buffer.from('abc')], 3) })
  const plain = { ...headers }
  await transport.put({ key: 'a.txt', headers: plain, body: bodyOf([Buffer.from('abc')]) })
  await transport.put({ key: 'a.txt', headers: plain, body: bodyOf([], 0) })
  expect(plain).toEqual(headers)
  expect(server.seen).toHaveLength(3)
  for (const seen of server.seen) expect(seen.headers).toMatchObject(headers)
})
