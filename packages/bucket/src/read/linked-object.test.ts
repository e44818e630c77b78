import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { describe, expect, test, vi } from 'vitest'
import { pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { MemoryTarget } from '../../test/memory-target.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'

const data = pattern(120_000)

/** A bucket with an encrypted object, a link to it, and a plain object with its own link. */
async function linkedBucket(options: Parameters<typeof memoryBucket>[0] = {}) {
  const made = memoryBucket(options)
  const { transport, bucket } = made
  await bucket.put('real/target', data, { metadata: { m: '1' } })
  await transport.plant('plain', pattern(100))
  transport.links.set('link', 'real/target')
  transport.links.set('to plain', 'plain')
  transport.requests.length = 0
  return made
}

const READS: readonly (readonly [
  name: string,
  read: (bucket: CryptoBucket, key: string) => Promise<Uint8Array | undefined>,
])[] = [
  ['get', (bucket, key) => bucket.getBytes(key)],
  [
    'openObject',
    async (bucket, key) => {
      const reader = await bucket.openObject(key)
      const chunks: number[] = []
      for await (const chunk of reader.read({ start: 0, end: reader.sizeBytes - 1 })) chunks.push(...chunk)
      await reader.close()
      return Uint8Array.from(chunks)
    },
  ],
  [
    'download, in parts',
    async (bucket, key) => {
      const target = new MemoryTarget()
      await bucket.download(key, target, { multipartThresholdBytes: 0, partSizeBytes: 100 * 1024 })
      return target.bytes
    },
  ],
]

describe.each(READS)('a symbolic link read with %s', (_, read) => {
  test('returns its decrypted target', async () => {
    const { bucket, transport } = await linkedBucket()
    expect(await read(bucket, 'link')).toEqual(data)
    expect(transport.requests.filter(({ operation }) => operation === 'getSymlink')).toHaveLength(1)
  })

  test.each([undefined, '', 7])(
    'a target named %j is an invalid response of the service',
    async (targetKey) => {
      const { bucket, transport } = await linkedBucket()
      transport.getSymlink = async () => ({ targetKey: targetKey as string })
      await expect(read(bucket, 'link')).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE', objectKey: 'link' })
    },
  )

  test('a plain target is refused, or passes if that is allowed', async () => {
    const { bucket } = await linkedBucket()
    await expect(read(bucket, 'to plain')).rejects.toMatchObject({ code: 'ERR_CSE_NOT_ENCRYPTED' })
    const passing = await linkedBucket({ onPlainObject: 'passthrough' })
    expect(await read(passing.bucket, 'to plain')).toEqual(pattern(100))
  })

  test('never returns the target’s ciphertext as a plain object', async () => {
    const { bucket } = await linkedBucket({ onPlainObject: 'passthrough' })
    expect(await read(bucket, 'link')).toEqual(data)
  })

  test('a transport that cannot follow it refuses it', async () => {
    const { bucket, transport } = await linkedBucket({ onPlainObject: 'passthrough' })
    Object.assign(transport, { getSymlink: undefined })
    await expect(read(bucket, 'link')).rejects.toMatchObject({
      code: 'ERR_CSE_OPERATION_REFUSED',
      objectKey: 'link',
      message: expect.stringContaining('symbolic link'),
    })
  })

  test('a link to a link is refused', async () => {
    const { bucket, transport } = await linkedBucket({ onPlainObject: 'passthrough' })
    transport.alterGet = (response) => ({
      ...response,
      headers: { ...response.headers, 'x-oss-object-type': 'Symlink' },
    })
    const { head } = transport
    transport.head = async (request) => {
      const response = await head.call(transport, request)
      return { ...response, headers: { ...response.headers, 'x-oss-object-type': 'Symlink' } }
    }
    await expect(read(bucket, 'link')).rejects.toMatchObject({ code: 'ERR_CSE_OPERATION_REFUSED' })
  })
})

test('ranges of a link are ranges of its target', async () => {
  const { bucket } = await linkedBucket()
  for (const range of ['0-0', '17-70000', '-33', '119999-']) {
    expect(await bucket.getBytes('link', { range })).toEqual(await bucket.getBytes('real/target', { range }))
  }
})

test('head of a link describes its target under the requested key; exists checks only the link', async () => {
  const { bucket, transport } = await linkedBucket()
  const ofTarget = await bucket.head('real/target')
  expect(ofTarget).toMatchObject({ sizeBytes: 120_000, metadata: { m: '1' }, envelope: { version: 2 } })
  expect(await bucket.head('link')).toEqual({ ...ofTarget, key: 'link' })
  transport.requests.length = 0
  expect(await bucket.exists('link')).toBe(true)
  expect(transport.requests.map(({ operation, key }) => [operation, key])).toEqual([['head', 'link']])
})

test('the response for a link is closed before its target is requested', async () => {
  const { bucket, transport } = await linkedBucket()
  const closed: string[] = []
  transport.alterGet = (response, { key }) => {
    const chunks = response.body[Symbol.asyncIterator]()
    const close = async () => {
      closed.push(key)
      return (await chunks.return?.()) ?? { done: true as const, value: undefined }
    }
    return {
      ...response,
      body: { [Symbol.asyncIterator]: () => ({ next: () => chunks.next(), return: close }) },
    }
  }
  const { body } = await bucket.get('link')
  expect(closed).toEqual(['link'])
  await body.cancel()
  expect(closed).toEqual(['link', 'real/target'])
})

test('a provider receives the reference of the object that it unwraps: the target of a link, with its bucket and version', async () => {
  const provider = createTestProvider()
  const unwrap = vi.spyOn(provider, 'unwrap')
  const generate = vi.spyOn(provider, 'generateContentKey')
  const { bucket, transport } = await linkedBucket({ provider })
  const referenceOf = (spy: { readonly mock: { readonly calls: readonly (readonly unknown[])[] } }) =>
    (spy.mock.calls.at(-1)?.[1] as { readonly object?: object } | undefined)?.object
  const location = 'memory:'
  expect(referenceOf(generate)).toEqual({ location, key: 'real/target' })
  await bucket.getBytes('real/target', { versionId: 'v1' })
  expect(referenceOf(unwrap)).toEqual({ location, key: 'real/target', versionId: 'v1' })
  await bucket.getBytes('link', { versionId: 'v1' })
  expect(referenceOf(unwrap)).toEqual({ location, key: 'real/target', versionId: undefined })
  await (await bucket.openObject('link')).close()
  expect(referenceOf(unwrap)).toEqual({ location, key: 'real/target', versionId: undefined })
  const upload = await bucket.initiateMultipartUpload('parts', { sizeBytes: 200_000 })
  expect(referenceOf(generate)).toEqual({ location, key: 'parts' })
  await (await bucket.resumeMultipartUpload(upload.toJSON())).close()
  expect(referenceOf(unwrap)).toEqual({ location, key: 'parts' })
  expect(transport.location).toBe(location)
})

describe('a link whose target changes while it is read', () => {
  const other = pattern(90_001).map((byte) => byte ^ 0xff)

  async function repointed(whenKey: string, times: number) {
    const made = await linkedBucket()
    const { bucket, transport } = made
    await bucket.put('real/other', other)
    transport.requests.length = 0
    let seen = 0
    transport.intercept = ({ operation, key }) => {
      if (operation !== 'get' || key !== whenKey) return
      seen += 1
      if (seen !== times) return
      transport.links.set('link', 'real/other')
      transport.objects.delete('real/target')
    }
    return made
  }

  test('is followed again by a download that restarts', async () => {
    const { bucket, log } = await repointed('real/target', 2)
    const target = new MemoryTarget()
    await bucket.download('link', target, {
      multipartThresholdBytes: 0,
      partSizeBytes: 100 * 1024,
      parallel: 1,
    })
    expect(target.bytes).toEqual(other)
    expect(log).toContainEqual(expect.objectContaining({ type: 'restart' }))
  })

  test('is another object for a reader that was opened before', async () => {
    const { bucket, transport } = await repointed('real/target', 1)
    const reader = await bucket.openObject('link')
    transport.links.set('link', 'real/other')
    transport.objects.delete('real/target')
    const read = async () => {
      for await (const _ of reader.read({ start: 0, end: 9 }));
    }
    await expect(read()).rejects.toMatchObject({ code: 'ERR_CSE_PRECONDITION_FAILED' })
    await reader.close()
  })
})
