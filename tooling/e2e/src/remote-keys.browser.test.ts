import { CryptoBucket } from '@oss-cse/bucket'
import { providerContract } from '@oss-cse/crypto-core/testing'
import { RemoteProvider } from '@oss-cse/provider-remote'
import { FetchUrlTransport } from '@oss-cse/transport-fetch'
import { describe, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import { StoredProvider } from './stored-provider.ts'

const [ours, other] = await commands.startKeyServers()
if (ours === undefined || other === undefined) throw new Error('no key servers')

const store = (envelope: Parameters<typeof commands.storeUnder>[0]) => commands.storeUnder(envelope)

describe('the provider contract in a page, with a key server on the network', () => {
  const rules = providerContract({
    create: () => new StoredProvider(ours, store),
    createOther: () => new StoredProvider(other, store),
    createEncryptOnly: () => new StoredProvider({ publicKey: ours.publicKey }, store),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})

describe('a page', () => {
  const bucket = new CryptoBucket({ transport: new FetchUrlTransport(), provider: new RemoteProvider(ours) })
  const read = async (url: string, range?: string): Promise<string> => {
    const { body } = await bucket.getByUrl(url, { range })
    const chunks: Uint8Array<ArrayBuffer>[] = []
    for await (const chunk of body) chunks.push(chunk as Uint8Array<ArrayBuffer>)
    return new Blob(chunks).text()
  }
  const letters = 'The quick brown fox jumps over the lazy dog. '.repeat(300)

  test('reads an object by its URL, whole and by range, and never has the master key', async () => {
    const url = await commands.putUnderRsa('folder/letters ü.txt', letters)
    expect(await read(url)).toBe(letters)
    expect(await read(url, '100-149')).toBe(letters.slice(100, 150))
  })

  test('reads many at the same time', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `thumbnails/${i}`)
    const urls = await Promise.all(names.map((name) => commands.putUnderRsa(name, name)))
    expect(await Promise.all(urls.map((url) => read(url)))).toEqual(names)
  })

  test('does not follow a redirect of the key server', async () => {
    const url = await commands.putUnderRsa('moved', letters)
    const provider = new RemoteProvider({ ...ours, url: new URL('/moved', ours.url) })
    const moved = new CryptoBucket({ transport: new FetchUrlTransport(), provider })
    await expect(moved.getByUrl(url)).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE', retryable: false })
  })

  test('that asks a key server without CORS, or none, gets an error that says what it may be', async () => {
    const url = await commands.putUnderRsa('a', letters)
    const nobody = new RemoteProvider({ ...ours, url: 'http://127.0.0.1:1/keys' })
    const failing = new CryptoBucket({
      transport: new FetchUrlTransport(),
      provider: nobody,
      retry: { maxAttempts: 1 },
    })
    await expect(failing.getByUrl(url)).rejects.toMatchObject({
      code: 'ERR_CSE_NETWORK',
      message: expect.stringContaining('CORS'),
    })
  })
})
