import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceFile } from './replace-file.node.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-replace-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const write = (append: (chunk: Uint8Array) => Promise<void>) => append(new TextEncoder().encode('new'))
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

test.skipIf(process.platform === 'win32')(
  'with a mode, the file has it, whatever the file before it had, and a link is itself replaced',
  async () => {
    const [file, link] = [join(directory, 'file'), join(directory, 'link')]
    await writeFile(file, 'old')
    await chmod(file, 0o644)
    await symlink(file, link)
    await replaceFile(link, write, { mode: 0o600 })
    expect(await modeOf(link)).toBe(0o600)
    expect(await readFile(file, 'utf8')).toBe('old')
    await replaceFile(file, write)
    expect(await modeOf(file)).toBe(0o644)
    await replaceFile(file, write, { mode: 0o600 })
    expect(await modeOf(file)).toBe(0o600)
  },
)
