import { CseError } from '@oss-cse/crypto-core'
import { expect, it } from 'vitest'
import { fakeServer, rejection, transportOnto } from '../../test/fake-server.ts'

it('a refused key sends no request in any call', async () => {
  const server = await fakeServer((_, response) => response.end())
  const transport = transportOnto(server)
  const key = 'a/../b'
  const body = {
    open(): AsyncIterable<Uint8Array> {
      throw new Error('opened')
    },
  }
  const upload = { key, uploadId: 'u' }
  for (const call of [
    () => transport.put({ key, headers: {}, body }),
    () => transport.get({ key, headers: {} }),
    () => transport.head({ key, headers: {} }),
    () => transport.initiate({ key, headers: {} }),
    () => transport.uploadPart({ ...upload, partNumber: 1, headers: {}, body }),
    () => transport.complete({ ...upload, parts: [], headers: {} }),
    () => transport.abort(upload),
    () => transport.listParts(upload),
    () => transport.delete({ key }),
    () => transport.deleteMany({ keys: ['fine', key] }),
    () => transport.copy({ sourceKey: key, key: 'fine', headers: {} }),
    () => transport.copy({ sourceKey: 'fine', key, headers: {} }),
  ]) {
    const error = await rejection(call())
    expect(CseError.isInstance(error) && error.code).toBe('ERR_CSE_INVALID_ARGUMENT')
  }
  expect(server.sockets).toHaveLength(0)
})
