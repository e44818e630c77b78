import { OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { allRows, outcomes, RewriteSite, WHOLE } from '../../test/rewrite-site.ts'
import { rotateObject, rotateShard } from '../rotate-object.ts'

const code = (value: string) => expect.objectContaining({ code: value })

test.each([false, true])(
  'content that the service stored otherwise is removed again (new content key: %s)',
  async (newContentKey) => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const before = site.transport.objects.get('k')
    const { transport } = site
    const put = transport.put.bind(transport)
    transport.put = async (request) => {
      const response = await put(request)
      const object = transport.objects.get('k')
      if (object) transport.objects.set('k', { ...object, bytes: new Uint8Array(4), crc64: 1n })
      return { ...response, headers: { ...response.headers, [OSS_HEADERS.crc64]: '1' } }
    }
    const row = await rotateObject('k', { ...site.options(), newContentKey })
    expect(row).toMatchObject({ outcome: 'failed', code: 'ERR_CSE_INTEGRITY' })
    expect(row).not.toHaveProperty('unsettled')
    expect(transport.objects.get('k')).toEqual(before)
  },
)

test('an object from before the bucket kept versions is rotated too', async () => {
  const site = new RewriteSite('Unversioned')
  await site.app.put('k', 'text')
  site.transport.versioning = 'Enabled'
  expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', versionId: 'null' })
  expect(await site.read('k', site.reader)).toBe('text')
})

test('if the bucket stops keeping versions, the run stops', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  site.transport.intercept = ({ operation }) => {
    if (operation === 'put') site.transport.versioning = 'Suspended'
  }
  await expect(allRows(rotateShard(WHOLE, site.options()))).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  expect(await site.read('k')).toBe('text')
})

test.each([false, true])(
  'an archived object that was restored is done, also if a response was lost (after its effect: %s)',
  async (effect) => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const { transport } = site
    const object = transport.objects.get('k')
    const archived = {
      [OSS_HEADERS.storageClass]: 'Archive',
      [OSS_HEADERS.restore]: 'ongoing-request="false", expiry-date="Sun, 16 Apr 2028 08:12:33 GMT"',
    }
    if (object) transport.objects.set('k', { ...object, headers: { ...object.headers, ...archived } })
    const put = transport.put.bind(transport)
    let lost = false
    transport.put = async (request) => {
      const response = lost || effect ? await put(request) : undefined
      if (response !== undefined && lost) return response
      lost = true
      throw new TransportError('ERR_CSE_NETWORK', 'The connection broke.', { retryable: true })
    }
    const options = { ...site.options(), newContentKey: true }
    expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({ k: 'rotated' })
    expect(transport.objects.get('k')?.headers[OSS_HEADERS.storageClass]).toBe('Archive')
    expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({ k: 'already' })
  },
)
