import { expect, it } from 'vitest'
import { fakeServer, rejection, respondingWith, transportOnto } from '../../test/fake-server.ts'

it('delete removes an object, or one version if it is named', async () => {
  const { server, transport } = await respondingWith('', {}, 204)
  await transport.delete({ key: 'a' })
  await transport.delete({ key: 'a', versionId: 'v' })
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'DELETE /my-bucket/a',
    'DELETE /my-bucket/a?versionId=v',
  ])
})

it('deleteMany escapes keys, states its length in bytes, and returns the deleted keys', async () => {
  const { server, bodies, transport } = await respondingWith(
    '<DeleteResult><Deleted><Key>&lt;中&gt; &amp; "\'</Key></Deleted></DeleteResult>',
  )
  const key = '<中> & "\''
  expect(await transport.deleteMany({ keys: [key, 'b'] })).toEqual([key])
  expect(bodies[0]).toContain('<Quiet>false</Quiet>')
  expect(bodies[0]).toContain('<Key>&lt;中&gt; &amp; &quot;&#39;</Key>')
  expect(bodies[0]).toMatch(/<\/Delete>$/)
  expect(server.seen[0]?.headers['content-length']).toBe(String(Buffer.byteLength(bodies[0] ?? '')))
  expect(server.seen[0]?.headers['content-md5']).toBeDefined()
})

it('deleteMany of no keys sends no request, and of more than 1,000 keys is refused', async () => {
  const { server, transport } = await respondingWith('')
  expect(await transport.deleteMany({ keys: [] })).toEqual([])
  const keys = Array.from({ length: 1001 }, (_, i) => `k${i}`)
  expect(await rejection(transport.deleteMany({ keys }))).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(server.seen).toHaveLength(0)
})

it('a key that XML cannot carry is deleted in a request of its own', async () => {
  const server = await fakeServer((request, response) => {
    if (request.method === 'DELETE') response.writeHead(204).end()
    else response.end('<DeleteResult><Deleted><Key>b</Key></Deleted></DeleteResult>')
  })
  expect(await transportOnto(server).deleteMany({ keys: ['a\r\u0001', 'b'] })).toEqual(['b', 'a\r\u0001'])
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /my-bucket/?delete=',
    'DELETE /my-bucket/a%0D%01',
  ])
})
