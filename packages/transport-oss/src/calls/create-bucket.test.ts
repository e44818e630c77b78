import { expect, it } from 'vitest'
import { respondingWith } from '../../test/fake-server.ts'

it('createBucket creates the transport’s bucket', async () => {
  const { server, bodies, transport } = await respondingWith('')
  await transport.createBucket()
  await transport.createBucket({ acl: 'private', storageClass: 'IA', dataRedundancyType: 'ZRS' })
  expect(server.seen).toMatchObject([
    { method: 'PUT', url: '/my-bucket/' },
    { method: 'PUT', url: '/my-bucket/', headers: { 'x-oss-acl': 'private' } },
  ])
  expect(bodies[1]).toContain('<StorageClass>IA</StorageClass><DataRedundancyType>ZRS</DataRedundancyType>')
})
