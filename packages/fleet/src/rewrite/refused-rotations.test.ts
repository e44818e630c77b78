import { Keyring } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { allRows, NEW, OLD, RewriteSite, WHOLE, writesOf } from '../../test/rewrite-site.ts'
import { rotateObject, rotateShard } from '../rotate-object.ts'

const code = (value: string) => expect.objectContaining({ code: value })

describe('refused before anything is written', () => {
  const target = { seed: 2, materialDescription: { key: 'new' } }
  test.each([
    [
      'a target without a description',
      { encrypting: createTestProvider({ seed: 2 }) },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'a description that another key has too',
      {
        encrypting: createTestProvider(target),
        decrypting: [createTestProvider({ ...target, seed: 3, wrapAlgorithm: 'TEST/OTHER' })],
      },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'a target that cannot wrap',
      { encrypting: { ...NEW, wrap: undefined }, decrypting: [OLD] },
      'ERR_CSE_OPERATION_REFUSED',
    ],
  ])('%s', async (_what, keys, expected) => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const keyring = new Keyring(keys as ConstructorParameters<typeof Keyring>[0])
    await expect(allRows(rotateShard(WHOLE, { ...site.options(), keyring }))).rejects.toEqual(code(expected))
  })

  test.each(['Suspended', 'Unversioned'] as const)('a bucket whose versioning is %s', async (versioning) => {
    const site = new RewriteSite(versioning)
    await expect(allRows(rotateShard(WHOLE, site.options()))).rejects.toEqual(
      code('ERR_CSE_OPERATION_REFUSED'),
    )
  })

  test('a format without a new content key, and an unknown placement', async () => {
    const site = new RewriteSite()
    await expect(rotateObject('k', { ...site.options(), format: 'sealed' })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    const placement = { mode: 'unversioned', writersArePaused: false } as never
    await expect(rotateObject('k', { ...site.options(), placement })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })

  test('a target that does not read what it wraps', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const other = createTestProvider({ ...target, seed: 5 })
    const encrypting = { ...NEW, wrap: other.wrap }
    const keyring = new Keyring({ encrypting: encrypting as typeof NEW, decrypting: [OLD] })
    site.transport.requests.length = 0
    await expect(allRows(rotateShard(WHOLE, { ...site.options(), keyring }))).rejects.toEqual(
      code('ERR_CSE_INVALID_KEY'),
    )
    expect(writesOf(site.transport)).toEqual([])
  })
})
