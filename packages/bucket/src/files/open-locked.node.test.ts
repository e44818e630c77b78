import { constants } from 'node:fs'
import { type FileHandle, mkdtemp, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLocked } from './open-locked.node.ts'

const calls = vi.hoisted(() => ({ afterOpen: async (): Promise<void> => {} }))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return {
    ...fs,
    open: async (...parameters: Parameters<typeof fs.open>) => {
      const file = await fs.open(...parameters)
      await calls.afterOpen()
      return file
    },
  }
})

const inUse = expect.objectContaining({ code: 'ERR_CSE_CHECKPOINT_IN_USE' })
let directory: string
let path: string
const held: FileHandle[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  path = join(directory, 'lock')
})
afterEach(async () => {
  calls.afterOpen = async () => {}
  for (const file of held.splice(0)) await file.close()
  await rm(directory, { recursive: true, force: true })
})

async function take(): Promise<FileHandle> {
  const file = await openLocked(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  held.push(file)
  return file
}

/** Runs once, between the opening of a file and its locking. */
function afterFirstOpen(change: () => Promise<unknown>): void {
  calls.afterOpen = async () => {
    calls.afterOpen = async () => {}
    await change()
  }
}

test('a file that was removed before it was locked is not the one that is returned', async () => {
  afterFirstOpen(() => unlink(path))
  const file = await take()
  expect((await file.stat()).ino).toBe((await stat(path)).ino)
  await expect(take()).rejects.toEqual(inUse)
})

test('a file that another process removed and created again before it was locked belongs to that process', async () => {
  afterFirstOpen(async () => {
    await unlink(path)
    await take()
  })
  await expect(take()).rejects.toEqual(inUse)
  expect(held).toHaveLength(1)
})
