import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chown, lutimes, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TemporaryFile } from './temporary-file.node.ts'
import { removeLeftovers } from './temporary-leftovers.node.ts'

const NOW_SECONDS = Date.now() / 1000
const TWO_DAYS_AGO = NOW_SECONDS - 2 * 24 * 60 * 60
let directory: string
const children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

/** A file with the given time of its last write. */
async function leave(name: string, timeSeconds = TWO_DAYS_AGO): Promise<string> {
  await writeFile(join(directory, name), 'decrypted')
  await utimes(join(directory, name), timeSeconds, timeSeconds)
  return name
}

const unnamed = () => `.oss-cse-${randomUUID()}.part`

test('leftovers of a crash are removed when the next file of their directory is opened', async () => {
  await leave(unnamed())
  await leave(unnamed())
  const file = await TemporaryFile.open(join(directory, 'out'))
  await file.commit()
  expect(await readdir(directory)).toEqual(['out'])
})

test('files that were not resumed for a month are removed', async () => {
  await leave('.oss-cse-0123456789abcdef0123456789abcdef.part', NOW_SECONDS - 31 * 24 * 60 * 60)
  await removeLeftovers(directory)
  expect(await readdir(directory)).toEqual([])
})

test('files that a later run resumes stay, and so do all others', async () => {
  await leave('.oss-cse-0123456789abcdef0123456789abcdef.part', NOW_SECONDS - 29 * 24 * 60 * 60)
  const others = [
    '.oss-cse-0123456789abcdef0123456789abcdee.part',
    `.oss-cse-${randomUUID()}.part.txt`,
    `x.oss-cse-${randomUUID()}.part`,
    `.oss-cse-${randomUUID().toUpperCase()}.part`,
    '.oss-cse-.part',
    'out',
  ]
  for (const name of others) await leave(name)
  await removeLeftovers(directory)
  others.push('.oss-cse-0123456789abcdef0123456789abcdef.part')
  expect((await readdir(directory)).sort()).toEqual(others.sort())
})

test('files that were written within a day stay', async () => {
  const name = await leave(unnamed(), NOW_SECONDS - 23 * 60 * 60)
  await removeLeftovers(directory)
  expect(await readdir(directory)).toEqual([name])
})

test('a file that another process has open stays, and is removed once that is killed', async () => {
  const child = fork(fileURLToPath(new URL('../../test/temporary-file-child.mjs', import.meta.url)), [
    join(directory, 'out'),
  ])
  children.push(child)
  await once(child, 'message')
  const [name = ''] = await readdir(directory)
  await utimes(join(directory, name), TWO_DAYS_AGO, TWO_DAYS_AGO)
  await removeLeftovers(directory)
  expect(await readdir(directory)).toEqual([name])
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  // Under another name: a process cleans a directory once.
  await symlink(directory, `${directory}-again`)
  await removeLeftovers(`${directory}-again`)
  await rm(`${directory}-again`)
  expect(await readdir(directory)).toEqual([])
})

test('a directory and a link of such a name stay', async () => {
  const [made, linked] = [unnamed(), unnamed()]
  await mkdir(join(directory, made))
  await utimes(join(directory, made), TWO_DAYS_AGO, TWO_DAYS_AGO)
  const target = await leave('target')
  await symlink(join(directory, target), join(directory, linked))
  await removeLeftovers(directory)
  expect((await readdir(directory)).sort()).toEqual([made, linked, target].sort())
})

test('files of another user stay', async (context) => {
  if (process.getuid?.() !== 0) context.skip('Only root can give a file to another user.')
  const name = await leave(unnamed())
  await chown(join(directory, name), 65_534, 65_534)
  await removeLeftovers(directory)
  expect(await readdir(directory)).toEqual([name])
})

test('a process cleans a directory once', async () => {
  await removeLeftovers(directory)
  const name = await leave(unnamed())
  await removeLeftovers(directory)
  expect(await readdir(directory)).toEqual([name])
})

test('a link that replaces a leftover stays, and so does its target', async () => {
  const name = unnamed()
  const target = await leave('target')
  await symlink(join(directory, target), join(directory, name))
  await lutimes(join(directory, name), TWO_DAYS_AGO, TWO_DAYS_AGO)
  await removeLeftovers(directory)
  expect((await readdir(directory)).sort()).toEqual([name, target].sort())
})

test('a directory that does not exist or cannot be read has no effect', async () => {
  await removeLeftovers(join(directory, 'none'))
  await removeLeftovers(join(directory, await leave('file')))
})
