import { execFileSync } from 'node:child_process'
import {
  chmod,
  chown,
  type FileHandle,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readFileRange, TemporaryFile } from './temporary-file.node.ts'

const calls = vi.hoisted(() => ({
  before: async (_name: 'rename' | 'unlink'): Promise<void> => {},
  onOpen: (..._parameters: unknown[]): unknown => undefined,
}))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return {
    ...fs,
    open: (...parameters: Parameters<typeof fs.open>) => {
      calls.onOpen(...parameters)
      return fs.open(...parameters)
    },
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
  calls.onOpen = () => undefined
  await rm(directory, { recursive: true, force: true })
})

/** A second one of the same name, opened just before a call to the file system. */
function openBefore(call: 'rename' | 'unlink'): { readonly opened: Promise<TemporaryFile>[] } {
  const opened: Promise<TemporaryFile>[] = []
  calls.before = async (name) => {
    if (name !== call || opened.length > 0) return
    opened.push(TemporaryFile.open(path, { name: 'shared' }))
    await Promise.allSettled(opened)
  }
  return { opened }
}

test('bytes have the final name once they are committed, and not before', async () => {
  await writeFile(path, 'old')
  const file = await TemporaryFile.open(path, { name: 'shared' })
  await file.resize(5)
  await file.write(new TextEncoder().encode('lo'), 3)
  await file.write(new TextEncoder().encode('hel'), 0)
  expect(await readFile(path, 'utf8')).toBe('old')
  await file.commit()
  expect(await readFile(path, 'utf8')).toBe('hello')
  expect(await readdir(directory)).toEqual(['out'])
})

test('a name is used once at a time, and is free again however the file ends', async () => {
  for (const end of ['close', 'discard', 'commit'] as const) {
    const first = await TemporaryFile.open(path, { name: 'shared' })
    await expect(TemporaryFile.open(path, { name: 'shared' })).rejects.toEqual(inUse)
    await (await TemporaryFile.open(path, { name: 'other' })).discard()
    await (await TemporaryFile.open(path)).discard()
    await first[end]()
    await (await TemporaryFile.open(path, { name: 'shared' })).discard()
  }
})

test('a closed file is there for the next run, and a discarded one is not', async () => {
  const first = await TemporaryFile.open(path, { name: 'shared' })
  await first.resize(7)
  await first.close()
  const second = await TemporaryFile.open(path, { name: 'shared', keep: true })
  expect(await second.sizeBytes()).toBe(7)
  await second.close()
  const fresh = await TemporaryFile.open(path, { name: 'shared' })
  expect(await fresh.sizeBytes()).toBe(0)
  await fresh.discard()
  const third = await TemporaryFile.open(path, { name: 'shared' })
  expect(await third.sizeBytes()).toBe(0)
  await third.discard()
  expect(await readdir(directory)).toEqual([])
})

/** Replaces a flush of all files. */
async function flushesWith(
  flush: () => Promise<void>,
  method: 'datasync' | 'sync' = 'datasync',
): Promise<void> {
  const file = await open(path, 'w')
  vi.spyOn(Object.getPrototypeOf(file) as FileHandle, method).mockImplementation(flush)
  await file.close()
  await rm(path)
  onTestFinished(() => void vi.restoreAllMocks())
}

test('a flush that failed makes the commit fail, although a later one succeeds', async () => {
  const failure = Object.assign(new Error('input/output error'), { code: 'EIO' })
  const outcomes = [async () => {}, () => Promise.reject(failure), async () => {}]
  await flushesWith(() => (outcomes.shift() ?? (async () => {}))())
  const file = await TemporaryFile.open(path)
  for (let flushes = 0; flushes < 3; flushes++) {
    await file.write(new Uint8Array(10), 0)
    file.flush()
    await nextTurn()
  }
  expect(outcomes).toEqual([])
  await expect(file.commit()).rejects.toMatchObject({ code: 'ERR_CSE_FILE', cause: failure })
  await file.discard()
  expect(await readdir(directory)).toEqual([])
})

test('bytes whose flush failed are not there for a later run', async () => {
  const fails = () => Promise.reject(Object.assign(new Error('input/output error'), { code: 'EIO' }))
  await flushesWith(fails)
  const first = await TemporaryFile.open(path, { name: 'shared' })
  await first.write(new Uint8Array(10), 0)
  first.flush()
  await first.close()
  const next = await TemporaryFile.open(path, { name: 'shared', keep: true })
  expect(await next.sizeBytes()).toBe(0)
  await next.write(new Uint8Array(10), 0)
  await flushesWith(fails, 'sync')
  await expect(next.commit()).rejects.toMatchObject({ code: 'ERR_CSE_FILE' })
  await next.close()
  const last = await TemporaryFile.open(path, { name: 'shared', keep: true })
  expect(await last.sizeBytes()).toBe(0)
  await last.discard()
})

test('one flush runs at a time, and the commit waits for the last one', async () => {
  const ends: (() => void)[] = []
  let running = 0
  await flushesWith(async () => {
    running += 1
    expect(running).toBe(1)
    await new Promise<void>((resolve) => ends.push(resolve))
    running -= 1
  })
  const file = await TemporaryFile.open(path)
  for (let flushes = 0; flushes < 5; flushes++) file.flush()
  let committed = false
  const commit = file.commit().then(() => {
    committed = true
  })
  for (let flushes = 0; flushes < 2; flushes++) {
    await vi.waitUntil(() => ends.length === flushes + 1)
    expect(committed).toBe(false)
    ends[flushes]?.()
  }
  await commit
  expect([ends.length, await readdir(directory)]).toEqual([2, ['out']])
})

test('nobody can open a file between its last byte and its final name', async () => {
  const { opened } = openBefore('rename')
  const first = await TemporaryFile.open(path, { name: 'shared' })
  await first.resize(5)
  await first.write(new TextEncoder().encode('hello'), 0)
  await first.commit()
  expect(opened).toHaveLength(1)
  await expect(opened[0]).rejects.toEqual(inUse)
  expect(await readFile(path, 'utf8')).toBe('hello')
})

test('nobody can open a file that is about to be removed', async () => {
  const { opened } = openBefore('unlink')
  const first = await TemporaryFile.open(path, { name: 'shared' })
  await first.discard()
  expect(opened).toHaveLength(1)
  await expect(opened[0]).rejects.toEqual(inUse)
})

test.each(['close', 'discard', 'commit'] as const)('ending it twice (%s) has no effect', async (end) => {
  const first = await TemporaryFile.open(path, { name: 'shared' })
  await first[end]()
  const second = await TemporaryFile.open(path, { name: 'shared' })
  await second.resize(3)
  await first[end]().catch(() => {})
  await second.commit()
  expect(await readFile(path)).toHaveLength(3)
})

describe.runIf(process.platform !== 'win32')('a file', () => {
  const NOBODY = 65_534
  const modeOf = async (name: string) => (await stat(name)).mode & 0o7777

  /** The mode that the system gives a new file there. */
  async function newFileMode(): Promise<number> {
    await writeFile(join(directory, 'plain'), '')
    return modeOf(join(directory, 'plain'))
  }

  test.each([undefined, 'shared'])(
    'is private to this user until it is committed (name %s)',
    async (name) => {
      await writeFile(path, 'old')
      await chmod(path, 0o666)
      const file = await TemporaryFile.open(path, { name })
      const [temporary = ''] = (await readdir(directory)).filter((entry) => entry !== 'out')
      expect(await modeOf(join(directory, temporary))).toBe(0o600)
      await file.write(new Uint8Array(3), 0)
      expect(await modeOf(join(directory, temporary))).toBe(0o600)
      await file.commit()
      expect(await modeOf(path)).toBe(0o666)
    },
  )

  test('is never readable for others, whatever it replaces', async () => {
    await writeFile(path, 'old')
    await chmod(path, 0o666)
    const modes: unknown[] = []
    calls.onOpen = (_path, _flags, mode) => modes.push(mode)
    const file = await TemporaryFile.open(path)
    await file.commit()
    expect(modes).toEqual([0o600])
  })

  test('that is new gets the mode of any new file there', async () => {
    const mode = await newFileMode()
    const file = await TemporaryFile.open(path)
    await file.commit()
    expect(await modeOf(path)).toBe(mode)
    expect((await readdir(directory)).sort()).toEqual(['out', 'plain'])
  })

  test.each([0o600, 0o640, 0o444, 0o777])('keeps the mode %o of the one that it replaces', async (mode) => {
    await writeFile(path, 'old')
    await chmod(path, mode)
    await replaced()
    expect(await modeOf(path)).toBe(mode)
  })

  test.each([0o4755, 0o2755])('does not inherit the privileges of a program (mode %o)', async (mode) => {
    await writeFile(path, 'old')
    await chmod(path, mode)
    await replaced()
    expect(await modeOf(path)).toBe(0o755)
  })

  test('has the mode that it is opened with, whatever it replaces, and replaces a link itself', async () => {
    const victim = join(directory, 'victim')
    await writeFile(victim, 'untouched')
    await chmod(victim, 0o666)
    await symlink(victim, path)
    const file = await TemporaryFile.open(path, { mode: 0o600 })
    await file.commit()
    expect(await modeOf(path)).toBe(0o600)
    expect((await lstat(path)).isSymbolicLink()).toBe(false)
    expect(await readFile(victim, 'utf8')).toBe('untouched')
  })

  test('takes no mode from a link that was created in the meantime', async () => {
    const file = await TemporaryFile.open(path)
    const lure = join(directory, 'lure')
    await writeFile(lure, '')
    await chmod(lure, 0o666)
    await symlink(lure, path)
    await file.commit()
    expect(await modeOf(path)).toBe(await newFileMode())
    expect(await readFile(lure, 'utf8')).toBe('')
  })

  describe.each([false, true])('with a stable name (kept: %s)', (keep) => {
    const temporary = () => join(directory, '.oss-cse-shared.part')
    const victim = () => join(directory, 'victim')
    const opened = () => TemporaryFile.open(path, { name: 'shared', keep })

    test.each(['hard link', 'named pipe', 'symbolic link'])(
      'replaces a %s there, and is not written into it',
      async (kind) => {
        await writeFile(victim(), 'untouched', { mode: 0o600 })
        if (kind === 'hard link') await link(victim(), temporary())
        else if (kind === 'symbolic link') await symlink(victim(), temporary())
        else execFileSync('/usr/bin/env', ['mkfifo', '-m', '600', temporary()])
        const file = await opened()
        expect(await file.sizeBytes()).toBe(0)
        await file.write(new Uint8Array(3), 0)
        await file.commit()
        expect(await readFile(path)).toHaveLength(3)
        expect(await readFile(victim(), 'utf8')).toBe('untouched')
        expect((await readdir(directory)).sort()).toEqual(['out', 'victim'])
      },
    )

    test('reports the file at its temporary name if that cannot be removed', async () => {
      await mkdir(temporary())
      await expect(opened()).rejects.toMatchObject({ code: 'ERR_CSE_FILE' })
      await expect(opened()).rejects.toThrow(temporary())
    })

    test.each([0o620, 0o602, 0o644, 0o604])(
      'is not the existing file that others could open (mode %o), because they may still have it open',
      async (mode) => {
        await writeFile(temporary(), 'planted')
        await chmod(temporary(), mode)
        const before = await open(temporary(), 'r')
        const file = await opened()
        await file.write(new TextEncoder().encode('secret'), 0)
        expect(await before.readFile('utf8')).toBe('planted')
        await before.close()
        await file.commit()
        expect(await readFile(path, 'utf8')).toBe('secret')
      },
    )
  })

  test('that cannot get its final name is private again, and is there for the next run', async () => {
    await writeFile(path, 'old')
    await chmod(path, 0o666)
    const file = await TemporaryFile.open(path, { name: 'shared' })
    await file.write(new Uint8Array(3), 0)
    await rm(path)
    await mkdir(path)
    await expect(file.commit()).rejects.toMatchObject({ code: 'ERR_CSE_FILE' })
    await file.close()
    expect(await modeOf(join(directory, '.oss-cse-shared.part'))).toBe(0o600)
    await rmdir(path)
    const next = await TemporaryFile.open(path, { name: 'shared', keep: true })
    expect(await next.sizeBytes()).toBe(3)
    await next.discard()
  })

  describe('of another user or group', () => {
    beforeEach((context) => {
      if (process.getuid?.() !== 0) context.skip('Only root can give a file to another user.')
    })

    const module = new URL('../../dist/node.js', import.meta.url).href

    /**
     * Runs a program as a user who owns nothing else. The package is loaded first, because that user may not read it.
     */
    function asNobody(program: string): string {
      const script = `await import(${JSON.stringify(module)})
        process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY}); ${program}`
      return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    }

    test('keeps the group of the replaced file', async () => {
      await writeFile(path, 'old')
      await chown(path, -1, NOBODY)
      await chmod(path, 0o640)
      await replaced()
      expect(await stat(path)).toMatchObject({ gid: NOBODY, uid: process.getuid?.() })
      expect(await modeOf(path)).toBe(0o640)
    })

    test('gives no other group the permissions of the old group', async () => {
      await writeFile(path, 'old')
      await chmod(path, 0o664)
      // As its owner, who is not in the file's group.
      await chmod(directory, 0o777)
      await chown(path, NOBODY, 0)
      asNobody(
        `await (await import(${JSON.stringify(module)})).replaceFile(${JSON.stringify(path)}, (append) => append(new TextEncoder().encode('new')))`,
      )
      expect(await readFile(path, 'utf8')).toBe('new')
      expect(await stat(path)).toMatchObject({ uid: NOBODY, gid: NOBODY })
      expect(await modeOf(path)).toBe(0o604)
    })

    test.each([false, true])('is not used (kept: %s)', async (keep) => {
      const temporary = join(directory, '.oss-cse-shared.part')
      await writeFile(temporary, 'planted', { mode: 0o600 })
      await chown(temporary, NOBODY, NOBODY)
      const file = await TemporaryFile.open(path, { name: 'shared', keep })
      expect(await file.sizeBytes()).toBe(0)
      await file.discard()
    })

    test('does not determine who can read the new file', async () => {
      await writeFile(path, 'lure')
      await chmod(path, 0o666)
      await chown(path, NOBODY, NOBODY)
      await replaced()
      expect(await modeOf(path)).toBe(await newFileMode())
      expect((await stat(path)).gid).not.toBe(NOBODY)
    })

    test('is refused at once if only its owner can replace it', async () => {
      await chmod(directory, 0o1777)
      await writeFile(path, 'theirs')
      const program = `await (await import(${JSON.stringify(module)})).replaceFile(${JSON.stringify(path)}, () => console.log('begun')).catch((error) => console.log(error.code, error.message))`
      const printed = asNobody(program)
      expect(printed).toMatch(/^ERR_CSE_INVALID_ARGUMENT .*belongs to another user/)
      expect(await readdir(directory)).toEqual(['out'])
    })
  })

  async function replaced(): Promise<void> {
    const file = await TemporaryFile.open(path)
    await file.commit()
  }
})

test('a file that cannot be compared with a new one is kept, and closed', async () => {
  const first = await TemporaryFile.open(path, { name: 'shared' })
  await first.resize(7)
  await first.close()
  calls.onOpen = (_path, flags) => {
    if (flags === 'wx') throw Object.assign(new Error('full'), { code: 'ENOSPC' })
  }
  const opened = TemporaryFile.open(path, { name: 'shared', keep: true })
  await expect(opened).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  await expect(opened).rejects.toThrow('(ENOSPC)')
  calls.onOpen = () => undefined
  // Closed: otherwise it would be in use.
  const next = await TemporaryFile.open(path, { name: 'shared', keep: true })
  expect(await next.sizeBytes()).toBe(7)
  await next.discard()
})

test('a directory that does not exist is reported, and nothing is created', async () => {
  for (const name of [undefined, 'shared']) {
    const opened = TemporaryFile.open(join(directory, 'none', 'out'), { name })
    await expect(opened).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    await expect(opened).rejects.toThrow('(ENOENT)')
  }
  expect(await readdir(directory)).toEqual([])
})

test('a read ahead that fails while a chunk is in use fails the read, and nothing else', async () => {
  const broken = new Error('EIO')
  let reads = 0
  const read = async (buffer: Uint8Array) => {
    reads += 1
    if (reads > 1) throw broken
    return { bytesRead: buffer.length, buffer }
  }
  const chunks = readFileRange({ read } as unknown as FileHandle, 0, 3 * 1024 ** 2)
  expect((await chunks.next()).value?.length).toBe(1024 ** 2)
  // The failure has happened. If it were unhandled, the process would end here.
  await new Promise((resolve) => setImmediate(resolve))
  await expect(chunks.next()).rejects.toBe(broken)
})
