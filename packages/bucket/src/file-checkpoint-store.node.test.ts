import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openFilesBelow } from '../test/open-files.ts'
import { FileCheckpointStore } from './file-checkpoint-store.node.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const record = { version: 1, parts: { 1: 'one', 10: 'ten', 2: 'two' }, text: 'grüße 😀 "\\\n' }
let root: string
let directory: string
let store: FileCheckpointStore
const children: ChildProcess[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'oss-cse-'))
  directory = join(root, 'data', 'checkpoints')
  store = new FileCheckpointStore({ directory })
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

/** A process of its own that takes the record `a`; what it answered. */
async function start(task: 'hold' | 'save'): Promise<{ child: ChildProcess; answer: string }> {
  const path = fileURLToPath(new URL('../test/checkpoint-child.mjs', import.meta.url))
  const child = fork(path, [directory, task])
  children.push(child)
  const [{ code: answer }] = await once(child, 'message')
  return { child, answer }
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Saves the record and gives the path of its file. */
async function saved(): Promise<string> {
  const checkpoint = await store.open('a')
  await checkpoint.save(record)
  await checkpoint.close()
  return join(directory, 'a.json')
}

/** What the record `a` is by now. */
async function loaded(): Promise<unknown> {
  const checkpoint = await store.open('a')
  try {
    return await checkpoint.load()
  } finally {
    await checkpoint.close()
  }
}

describe('a record', () => {
  test('is what was saved last, also for another store of the same directory, until it is removed', async () => {
    const checkpoint = await store.open('a')
    expect(await checkpoint.load()).toBeUndefined()
    await checkpoint.save({ other: true })
    await checkpoint.save(record)
    expect(await checkpoint.load()).toEqual(record)
    await checkpoint.close()
    const later = await new FileCheckpointStore({ directory }).open('a')
    expect(await later.load()).toEqual(record)
    await later.remove()
    await later.remove()
    expect(await later.load()).toBeUndefined()
    await later.close()
    expect(await readdir(directory)).toEqual([])
  })

  test('and its directory are the user’s alone', async () => {
    const path = await saved()
    const checkpoint = await store.open('a')
    await checkpoint.save(record)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(`${path}.lock`)).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(root, 'data'))).mode & 0o777).toBe(0o700)
    await checkpoint.close()
  })

  test('that others could read is the user’s alone once it is saved again', async () => {
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'a.json'), '{}', { mode: 0o666 })
    const path = await saved()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('does not touch records of names that begin alike', async () => {
    const names = ['a', 'a-b', 'ab', 'a-json']
    for (const name of names) {
      const checkpoint = await store.open(name)
      await checkpoint.save({ name })
      await checkpoint.close()
    }
    const first = await store.open('a')
    await first.remove()
    await first.close()
    expect((await readdir(directory)).sort()).toEqual(['a-b.json', 'a-json.json', 'ab.json'])
  })

  test.each(['', 'A', 'a/b', '../a', 'a.json', 'a b', 'ä', 'a\0', 'x'.repeat(101)])(
    'cannot be named %j',
    async (name) => {
      await expect(store.open(name as string)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      await expect(stat(directory)).rejects.toHaveProperty('code', 'ENOENT')
    },
  )

  test('can have the longest name', async () => {
    const checkpoint = await store.open('x'.repeat(100))
    await checkpoint.save(record)
    expect(await checkpoint.load()).toEqual(record)
    await checkpoint.close()
  })

  test('is kept in the user’s data directory where nothing else is said', () => {
    expect(new FileCheckpointStore().directory).toMatch(/oss-cse.checkpoints$/)
  })
})

describe('a damaged record', () => {
  test('is told, wherever it was cut', async () => {
    const path = await saved()
    const bytes = await readFile(path)
    const checkpoint = await store.open('a')
    // The last byte is a line break, without which the record is whole.
    for (let length = 0; length < bytes.length - 1; length++) {
      await writeFile(path, bytes.subarray(0, length))
      await expect(checkpoint.load(), `${length} bytes`).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    }
    await checkpoint.close()
  })

  test('is told, whichever byte has a wrong bit', async () => {
    const path = await saved()
    const bytes = await readFile(path)
    const checkpoint = await store.open('a')
    for (let offset = 0; offset < bytes.length; offset++) {
      const wrong = Buffer.from(bytes)
      wrong[offset] = (wrong[offset] ?? 0) ^ (1 << (offset % 8))
      await writeFile(path, wrong)
      await expect(checkpoint.load(), `byte ${offset}`).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    }
    await checkpoint.close()
  })

  test.each([
    'null',
    '5',
    '[]',
    '""',
    '{}',
    '{"format":"oss-cse checkpoint 0","sha256":"","record":{}}',
    '\0\0\0',
  ])('that is %s is told', async (text) => {
    const path = await saved()
    await writeFile(path, text)
    await expect(loaded()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
  })

  test('that is a directory is told', async () => {
    await mkdir(join(directory, 'a.json'), { recursive: true })
    await expect(loaded()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
  })

  test('is replaced by the next one', async () => {
    const path = await saved()
    await writeFile(path, 'garbage')
    await saved()
    expect(await loaded()).toEqual(record)
  })
})

describe('saving', () => {
  test('leaves the old record where the new one cannot be written', async () => {
    await saved()
    const checkpoint = await store.open('a')
    await expect(checkpoint.save({ count: 1n })).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    expect(await checkpoint.load()).toEqual(record)
    await checkpoint.close()
    expect(await readdir(directory)).toEqual(['a.json'])
  })

  test('fails where the directory is gone', async () => {
    const checkpoint = await store.open('a')
    await rm(directory, { recursive: true })
    await expect(checkpoint.save(record)).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await expect(checkpoint.remove()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await checkpoint.close()
  })

  test('again and again leaves one file', async () => {
    const checkpoint = await store.open('a')
    for (let n = 0; n < 20; n++) await checkpoint.save({ n })
    expect(await checkpoint.load()).toEqual({ n: 19 })
    await checkpoint.close()
    expect(await readdir(directory)).toEqual(['a.json'])
  })

  test('that is killed at any moment leaves a whole record', async () => {
    for (let round = 0; round < 5; round++) {
      const { child, answer } = await start('save')
      expect(answer).toBe('ready')
      await kill(child)
      expect(await loaded()).toMatchObject({ text: expect.stringMatching(/^x*$/), end: true })
    }
    const checkpoint = await store.open('a')
    await checkpoint.remove()
    await checkpoint.close()
    expect(await readdir(directory)).toEqual([])
  }, 30_000)

  test('that was killed leaves nothing once the record is removed', async () => {
    const path = await saved()
    for (const left of ['.1234567', '.3891004567']) await writeFile(path + left, 'half')
    const checkpoint = await store.open('a')
    await checkpoint.remove()
    await checkpoint.close()
    expect(await readdir(directory)).toEqual([])
  })
})

describe('a record that is taken', () => {
  const inUse = code('ERR_CSE_CHECKPOINT_IN_USE')

  test('is refused to others in the same process, until it is closed', async () => {
    const first = await store.open('a')
    await expect(store.open('a')).rejects.toEqual(inUse)
    await expect(new FileCheckpointStore({ directory }).open('a')).rejects.toEqual(inUse)
    const beside = await store.open('b')
    await beside.close()
    await first.close()
    await (await store.open('a')).close()
  })

  test('is refused under another name of its directory', async () => {
    const first = await store.open('a')
    const alias = join(root, 'alias')
    await symlink(directory, alias)
    await expect(new FileCheckpointStore({ directory: alias }).open('a')).rejects.toEqual(inUse)
    await first.close()
  })

  test('is refused to one of many that ask at the same time, but one', async () => {
    for (let round = 0; round < 5; round++) {
      const asked = await Promise.allSettled(Array.from({ length: 8 }, () => store.open('a')))
      const got = asked.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      expect(got).toHaveLength(1)
      for (const result of asked) if (result.status === 'rejected') expect(result.reason).toEqual(inUse)
      await got[0]?.close()
    }
  })

  test('stays taken, whoever was refused or asks while it is being closed', async () => {
    for (let round = 0; round < 10; round++) {
      const first = await store.open('a')
      await store.open('a').catch(() => {})
      const asked = [store.open('a'), first.close().then(() => store.open('a')), store.open('a')]
      const got = (await Promise.allSettled(asked)).flatMap((result) =>
        result.status === 'fulfilled' ? result.value : [],
      )
      expect(got.length).toBeLessThanOrEqual(1)
      if (got.length === 1) await expect(store.open('a')).rejects.toEqual(inUse)
      await got[0]?.close()
    }
  })

  test('is not given away by who closes it twice', async () => {
    const first = await store.open('a')
    await first.close()
    const second = await store.open('a')
    await first.close()
    await expect(store.open('a')).rejects.toEqual(inUse)
    await second.close()
  })

  test('by another process is refused, and free as soon as that is killed', async () => {
    const { child, answer } = await start('hold')
    expect(answer).toBe('ready')
    await expect(store.open('a')).rejects.toEqual(inUse)
    await kill(child)
    await (await store.open('a')).close()
    expect(await readdir(directory)).toEqual([])
  })

  test('is refused to another process, until it is closed', async () => {
    const checkpoint = await store.open('a')
    expect((await start('hold')).answer).toBe('ERR_CSE_CHECKPOINT_IN_USE')
    await checkpoint.close()
    expect((await start('hold')).answer).toBe('ready')
  })

  test('leaves no lock behind, whatever became of it', async () => {
    for (let n = 0; n < 5; n++) await (await store.open(`a-${n}`)).close()
    const first = await store.open('a')
    await store.open('a').catch(() => {})
    await first.close()
    expect(await readdir(directory)).toEqual([])
  })

  test.runIf(process.platform === 'linux')('leaves no open file behind, whoever was refused', async () => {
    const first = await store.open('a')
    expect(await openFilesBelow(root)).toBe(1)
    for (let n = 0; n < 20; n++) await store.open('a').catch(() => {})
    expect(await openFilesBelow(root)).toBe(1)
    await first.close()
    expect(await openFilesBelow(root)).toBe(0)
  })
})

describe('a directory that cannot be used', () => {
  test('because a file is in its place, or above it, is told', async () => {
    await writeFile(join(root, 'file'), 'x')
    for (const path of [join(root, 'file'), join(root, 'file', 'below')]) {
      const opened = new FileCheckpointStore({ directory: path }).open('a')
      await expect(opened).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
      await expect(opened).rejects.toThrow(path)
    }
  })

  test.runIf(process.platform === 'linux')(
    'because there is no home directory is told, when it is built',
    () => {
      vi.stubEnv('HOME', '').stubEnv('XDG_DATA_HOME', '')
      expect(() => new FileCheckpointStore()).toThrow(code('ERR_CSE_CHECKPOINT'))
      expect(new FileCheckpointStore({ directory }).directory).toBe(directory)
      vi.unstubAllEnvs()
    },
  )

  test('because the lock cannot be made is told', async () => {
    await mkdir(join(directory, 'a.json.lock'), { recursive: true })
    await expect(store.open('a')).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
  })
})
