import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDirectory } from './make-directory.node.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'oss-cse-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('a directory and its parents are created private to this user, and an existing one stays unchanged', async () => {
  const path = join(root, 'a', 'b', 'c')
  await Promise.all([makeDirectory(path), makeDirectory(path)])
  await makeDirectory(path)
  for (const made of [path, join(root, 'a')]) expect((await stat(made)).mode & 0o777).toBe(0o700)
  await mkdir(join(root, 'open'), { mode: 0o755 })
  await makeDirectory(join(root, 'open', 'x'))
  expect((await stat(join(root, 'open'))).mode & 0o777).toBe(0o755)
})

test('a file at the path is reported', async () => {
  await writeFile(join(root, 'file'), '')
  await expect(makeDirectory(join(root, 'file', 'a'))).rejects.toHaveProperty('code', 'ENOTDIR')
})

test.runIf(process.platform === 'linux')(
  'a file system that creates no directories is reported',
  async () => {
    await expect(makeDirectory('/proc/none/a/b')).rejects.toHaveProperty('code', 'ENOENT')
  },
)
