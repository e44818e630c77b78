import { type FileHandle, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readFileRange, TemporaryFile } from './temporary-file.node.ts'

const calls = vi.hoisted(() => ({ before: async (_name: 'rename' | 'unlink'): Promise<void> => {} }))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return {
    ...fs,
    rename: async (...paths: Parameters<typeof fs.rename>) => {
      await calls.before('rename')
      return fs.rename(...paths)
    },
    unlink: async (...paths: Parameters<typeof fs.unlink>) => {
      await calls.before('unlink')
      return fs.unlink(...paths)
    },
  }
})

const inUse = expect.objectContaining({ code: 'ERR_CSE_CHECKPOINT_IN_USE' })
let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  path = join(directory, 'out')
})
afterEach(async () => {
  calls.before = async () => {}
  await rm(directory, { recursive: true, force: true })
})

/** A second one of the same name, opened in the moment before a call of the file system. */
function openBefore(call: 'rename' | 'unlink'): { readonly opened: Promise<TemporaryFile>[] } {
  const opened: Promise<TemporaryFile>[] = []
  calls.before = async (name) => {
    if (name !== call || opened.length > 0) return
    opened.push(TemporaryFile.open(path, 'shared'))
    await Promise.allSettled(opened)
  }
  return { opened }
}

test('bytes have the final name once they are committed, and not before', async () => {
  await writeFile(path, 'old')
  const file = await TemporaryFile.open(path, 'shared')
  await file.resize(5)
  await file.write(new TextEncoder().encode('lo'), 3)
  await file.write(new TextEncoder().encode('hel'), 0)
  expect(await readFile(path, 'utf8')).toBe('old')
  await file.commit()
  expect(await readFile(path, 'utf8')).toBe('hello')
  expect(await readdir(directory)).toEqual(['out'])
})

test('a name is for one at a time, and free again whatever became of it', async () => {
  for (const end of ['close', 'discard', 'commit'] as const) {
    const first = await TemporaryFile.open(path, 'shared')
    await expect(TemporaryFile.open(path, 'shared')).rejects.toEqual(inUse)
    await (await TemporaryFile.open(path, 'other')).discard()
    await (await TemporaryFile.open(path)).discard()
    await first[end]()
    await (await TemporaryFile.open(path, 'shared')).discard()
  }
})

test('what was closed is there for the next, and what was discarded is not', async () => {
  const first = await TemporaryFile.open(path, 'shared')
  await first.resize(7)
  await first.close()
  const second = await TemporaryFile.open(path, 'shared')
  expect(await second.sizeBytes()).toBe(7)
  await second.discard()
  const third = await TemporaryFile.open(path, 'shared')
  expect(await third.sizeBytes()).toBe(0)
  await third.discard()
  expect(await readdir(directory)).toEqual([])
})

test('nobody takes a file between its last byte and its final name', async () => {
  const { opened } = openBefore('rename')
  const first = await TemporaryFile.open(path, 'shared')
  await first.resize(5)
  await first.write(new TextEncoder().encode('hello'), 0)
  await first.commit()
  expect(opened).toHaveLength(1)
  await expect(opened[0]).rejects.toEqual(inUse)
  expect(await readFile(path, 'utf8')).toBe('hello')
})

test('nobody takes a file that is about to be removed', async () => {
  const { opened } = openBefore('unlink')
  const first = await TemporaryFile.open(path, 'shared')
  await first.discard()
  expect(opened).toHaveLength(1)
  await expect(opened[0]).rejects.toEqual(inUse)
})

test.each(['close', 'discard', 'commit'] as const)('ending it twice (%s) does no harm', async (end) => {
  const first = await TemporaryFile.open(path, 'shared')
  await first[end]()
  const second = await TemporaryFile.open(path, 'shared')
  await second.resize(3)
  await first[end]().catch(() => {})
  await second.commit()
  expect(await readFile(path)).toHaveLength(3)
})

test('a read ahead that fails while a chunk is worked on fails the reading, and nothing else', async () => {
  const broken = new Error('EIO')
  let reads = 0
  const read = async (buffer: Uint8Array) => {
    reads += 1
    if (reads > 1) throw broken
    return { bytesRead: buffer.length, buffer }
  }
  const chunks = readFileRange({ read } as unknown as FileHandle, 0, 3 * 1024 ** 2)
  expect((await chunks.next()).value?.length).toBe(1024 ** 2)
  // The failure is there by now; were nobody to hear it, the process would end here.
  await new Promise((resolve) => setImmediate(resolve))
  await expect(chunks.next()).rejects.toBe(broken)
})
