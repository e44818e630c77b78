import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TemporaryFile } from './temporary-file.node.ts'

vi.mock('fs-native-extensions', () => ({
  tryLock() {
    throw new Error('not made for this machine')
  },
}))

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test.each([undefined, 'shared'])(
  'without locks a file is still written, and leaves nothing (name %s)',
  async (name) => {
    const path = join(directory, 'out')
    const file = await TemporaryFile.open(path, { name })
    await file.write(new TextEncoder().encode('text'), 0)
    expect(await readdir(directory)).toHaveLength(1)
    await file.commit()
    expect(await readFile(path, 'utf8')).toBe('text')
    expect(await readdir(directory)).toEqual(['out'])
  },
)
