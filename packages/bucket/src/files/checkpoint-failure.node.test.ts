import { describe, expect, test } from 'vitest'
import { checkpointFailure, isOutOfFiles } from './checkpoint-failure.node.ts'

const systemError = (code: string) => Object.assign(new Error(code), { code })

describe('a checkpoint failure', () => {
  test.each([
    ['EACCES', 'you have no permission to write there'],
    ['EROFS', 'read-only'],
    ['ENOENT', 'cannot be created'],
    ['ENOTDIR', 'a file is where'],
    ['ELOOP', 'a symbolic link is where'],
    ['ENOSPC', 'no space is left'],
    ['EDQUOT', 'quota'],
    ['EIO', 'cannot be used (EIO)'],
  ])('%s names the directory, the reason and the code', (code, reason) => {
    const cause = systemError(code)
    const error = checkpointFailure('/data/checkpoints', cause)
    expect(error).toMatchObject({ code: 'ERR_CSE_CHECKPOINT', cause })
    for (const part of ['/data/checkpoints', reason, `(${code})`]) expect(error.message).toContain(part)
    expect(isOutOfFiles(cause)).toBe(false)
  })

  test.each(['EMFILE', 'ENFILE'])('%s is not blamed on the directory', (code) => {
    const error = checkpointFailure('/data/checkpoints', systemError(code))
    expect(error.code).toBe('ERR_CSE_CHECKPOINT')
    expect(error.message).toMatch(new RegExp(`too many files open \\(${code}\\)`))
    expect(error.message).not.toContain('/data/checkpoints')
    expect(isOutOfFiles(systemError(code))).toBe(true)
  })

  test('an error without a code names the directory', () => {
    for (const cause of [new Error('x'), undefined, 'x']) {
      expect(checkpointFailure('/data', cause).message).toBe('The checkpoints in /data cannot be used.')
    }
  })
})
