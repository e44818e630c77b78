import { afterAll, beforeAll, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../../emulator.ts'
import { signedRequest } from '../../testing/signed-request.ts'

let emulator: OssEmulator

beforeAll(async () => {
  emulator = await startOssEmulator()
})
afterAll(() => emulator.close())

it.each(['Archive', 'ColdArchive', 'DeepColdArchive'])(
  'an object of class %s has a head and no content',
  async (storageClass) => {
    const headers = { 'x-oss-storage-class': storageClass }
    await signedRequest(emulator, { method: 'PUT', key: 'old', body: 'x', headers })
    const head = await signedRequest(emulator, { method: 'HEAD', key: 'old' })
    expect([head.status, head.headers['x-oss-storage-class']]).toEqual([200, storageClass])
    const started = await signedRequest(emulator, { method: 'POST', key: 'joined', query: 'uploads' })
    const source = { 'x-oss-copy-source': '/demo/old' }
    for (const request of [
      { key: 'old' },
      { method: 'PUT', key: 'copy', headers: source },
      {
        method: 'PUT',
        key: 'joined',
        query: `partNumber=1&uploadId=${started.element('UploadId')}`,
        headers: source,
      },
    ]) {
      const response = await signedRequest(emulator, request)
      expect([response.status, response.element('Code'), response.element('EC')]).toEqual([
        403,
        'InvalidObjectState',
        '0016-00000404',
      ])
    }
  },
)

it.each(['Standard', 'IA'])('an object of class %s can be read', async (storageClass) => {
  const headers = { 'x-oss-storage-class': storageClass }
  await signedRequest(emulator, { method: 'PUT', key: 'new', body: 'x', headers })
  expect((await signedRequest(emulator, { key: 'new' })).body.toString()).toBe('x')
})
