import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { TransportError } from '@oss-cse/crypto-core'
import { OssTransport } from '@oss-cse/transport-oss'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { random, rejection, Subject } from './subject.ts'

const MIB = 1024 ** 2
const once = { retryMax: 0, retry: undefined }
let subject: Subject

beforeEach(async () => {
  subject = await Subject.start('CryptoOSS')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await subject.end()
})

describe.runIf(availableParallelism() > 1)('the error of a large file that a worker transfers', () => {
  test.each(['reset-during-response', 'truncate-response'] as const)(
    'is that of ali-oss if the connection breaks during a response: %s',
    async (kind) => {
      const client = subject.newClient(once)
      await client.put('a', random(17 * MIB))
      const { workerSide } = OssTransport.prototype
      vi.spyOn(OssTransport.prototype, 'workerSide').mockImplementation(function (
        this: OssTransport,
        request,
      ) {
        subject.emulator.injectFault({ kind, method: 'GET', afterBytes: 1000 })
        return workerSide.call(this, request)
      })
      expect(await rejection(client.get('a', subject.path('out')))).toMatchObject({
        name: 'ResponseError',
        status: -1,
      })
      expect(existsSync(subject.path('out'))).toBe(false)
    },
  )

  test('has the number of the part whose request could not be prepared', async () => {
    const timeout = new TransportError('ERR_CSE_TIMEOUT', 'no credentials', { retryable: false })
    vi.spyOn(OssTransport.prototype, 'workerSide').mockRejectedValue(timeout)
    await writeFile(subject.path('in'), random(9 * MIB))
    const parts = { partSize: 5 * MIB, parallel: 1 }
    const upload = subject.newClient(once).multipartUpload('a', subject.path('in'), parts)
    expect(await rejection(upload)).toMatchObject({ name: 'ResponseTimeoutError', partNum: 1 })
  })
})
