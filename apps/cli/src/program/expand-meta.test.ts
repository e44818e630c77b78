import { describe, expect, test } from 'vitest'
import { expandMeta } from './expand-meta.ts'

describe('--meta a=1 b=2', () => {
  test('is read as --meta a=1 --meta b=2, up to the next argument that is not a pair', () => {
    expect(expandMeta(['put', '--meta', 'a=1', 'b=2', 'file', 'c=3'])).toEqual([
      'put',
      '--meta',
      'a=1',
      '--meta',
      'b=2',
      'file',
      'c=3',
    ])
  })

  test('changes neither repeated options nor arguments after --', () => {
    const argv = ['put', '--meta', 'a=1', '--meta', 'b=2', '--quiet', '--', 'c=3', 'd=4']
    expect(expandMeta(argv)).toEqual(argv)
  })

  test('does not change the --meta of other commands', () => {
    expect(expandMeta(['decrypt', '--meta', 'a=1', 'b=2'])).toEqual(['decrypt', '--meta', 'a=1', 'b=2'])
  })
})
