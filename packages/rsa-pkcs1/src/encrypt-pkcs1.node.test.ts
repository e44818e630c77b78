import { describe, expect, test } from 'vitest'
import { keySizes, mismatches } from '../test/compare-with-node.mjs'

// The full count is in the script that makes the comparison: node test/compare-with-node.mjs 10000
describe.each(keySizes)('a key of %i bits', (bits) => {
  test('encrypts random messages so that OpenSSL decrypts them', () => {
    expect(mismatches(bits, 60)).toEqual([])
  })
})
