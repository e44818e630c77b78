import { CseError } from '@oss-cse/crypto-core'
import { checkObjectKey } from '@oss-cse/crypto-core/internal'
import { expect, it } from 'vitest'
import { fakeServer, rejection, transportOnto } from '../../test/fake-server.ts'

const REFUSED: readonly [string, string][] = [
  ['empty', ''],
  ['a leading slash', '/a'],
  ['a leading backslash', '\\a'],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a dot segment', 'a/./b'],
  ['a dot-dot segment', 'a/../b'],
  ['a dot-dot segment at the end', 'a/..'],
  ['1,024 bytes', 'a'.repeat(1024)],
  ['1,023 bytes and more in UTF-8', '中'.repeat(342)],
  ['a lone surrogate', 'a\ud800b'],
]

it.each(REFUSED)('a key that is %s is refused', (_, key) => {
  expect(() => checkObjectKey(key)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: key }),
  )
})

it.each([
  'a',
  'a/b',
  'a//b',
  '.a',
  'a.',
  '...',
  'a/...',
  '中'.repeat(341),
  'a'.repeat(1023),
  '😀',
  'a?b#c%2F+ \'"&<>',
])('the key %s is allowed', (key) => {
  expect(() => checkObjectKey(key)).not.toThrow()
})

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
