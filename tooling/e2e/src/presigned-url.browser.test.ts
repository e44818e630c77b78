import { CryptoBucket } from '@oss-cse/bucket'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchUrlTransport } from '@oss-cse/transport-fetch'
import { describe, expect, test } from 'vitest'
import { commands } from 'vitest/browser'

const bucket = new CryptoBucket({ transport: new FetchUrlTransport(), provider: createTestProvider() })
const put = (key: string, text: string, contentType = 'text/plain'): Promise<string> =>
  commands.putObject(key, text, contentType, 'envelope')

async function read(url: string, range?: string): Promise<string> {
  const { body } = await bucket.getByUrl(url, { range })
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true })
  return text
}

const letters = 'The quick brown fox jumps over the lazy dog. '.repeat(300)

describe('a page', () => {
  test.each(['text/plain', 'text/html', 'application/json', 'application/octet-stream'])(
    'reads an object of the type %s whole, verified, and by range',
    async (contentType) => {
      const url = await put(`letters.${contentType.replace('/', '.')}`, letters, contentType)
      const result = await bucket.getByUrl(url)
      expect(result).toMatchObject({ verification: 'crc64', totalBytes: letters.length })
      await result.body.cancel()
      expect(await read(url)).toBe(letters)
      expect(await read(url, '100-149')).toBe(letters.slice(100, 150))
      expect(await read(url, '-33')).toBe(letters.slice(-33))
    },
  )

  test('meets a service that compresses text for browsers: that is why the whole is asked for by a range', async () => {
    const url = await put('compressed', letters)
    const plain = await fetch(url, { cache: 'no-store' })
    await plain.body?.cancel()
    expect([plain.headers.get('content-encoding'), plain.headers.get('etag')]).toEqual(['gzip', null])
  })

  test('reads an object of 0 bytes', async () => {
    const url = await put('empty', '')
    expect(await read(url)).toBe('')
    await expect(bucket.getByUrl(url, { range: '-1' })).rejects.toMatchObject({
      code: 'ERR_CSE_RANGE_NOT_SATISFIABLE',
    })
  })

  test('reads an object that was replaced as it is now, whole and by range', async () => {
    const url = await put('replaced', `first ${letters}`)
    expect(await read(url)).toBe(`first ${letters}`)
    expect(await read(url, '0-4')).toBe('first')
    await put('replaced', `second ${letters}`)
    expect(await read(url)).toBe(`second ${letters}`)
    expect(await read(url, '0-5')).toBe('second')
  })

  test('that may not read the headers of the service is told of the CORS rule', async () => {
    const url = await commands.putObject('hidden', letters, 'text/plain', 'nothing')
    await expect(bucket.getByUrl(url, {})).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
      message: expect.stringContaining('CORS'),
    })
  })
})
