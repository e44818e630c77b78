import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSha256 as native } from './sha256.node.ts'
import { createSha256 as portable } from './sha256.web.ts'

test('both implementations of SHA-256 agree, for any split of the bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 })), async (chunks) => {
      const hashes = [await native(), await portable()]
      const digests = hashes.map((hash) => {
        for (const chunk of chunks) hash.update(chunk)
        return hash.digest()
      })
      expect(digests[0]).toEqual(digests[1])
    }),
  )
})
