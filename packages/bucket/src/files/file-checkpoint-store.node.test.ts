import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkpointStoreContract } from '../../test/checkpoint-store-contract.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { openFilesBelow } from '../../test/open-files.ts'
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

/** Opens the record `a` in another process, and returns the output. */
async function start(task: 'hold' | 'save'): Promise<{ child: ChildProcess; output: string }> {
  const path = fileURLToPath(new URL('../../test/checkpoint-child.mjs', import.meta.url))
  const child = fork(path, [directory, task])
  children.push(child)
  const [{ code: output }] = await once(child, 'message')
  return { child, output }
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** The files of the directory, without the key that authenticates its records. */
async function records(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name !== 'checkpoints.key')
}

/** Saves the record and returns the path of its file. */
async function saved(): Promise<string> {
  const checkpoint = await store.open('a')
  await checkpoint.save(record)
  await checkpoint.close()
  return join(directory, 'a.json')
}

/** The current content of the record `a`. */
async function loaded(): Promise<unknown> {
  const checkpoint = await store.open('a')
  try {
    return await checkpoint.load()
  } finally {
    await checkpoint.close()
  }
}

checkpointStoreContract(() => ({ store, other: new FileCheckpointStore({ directory }) }))

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
    expect(await records()).toEqual([])
  })

  test('is known to the store without a lock, from its first save until it is removed', async () => {
    expect(await store.has('a')).toBe(false)
    const checkpoint = await store.open('a')
    expect(await store.has('a')).toBe(false)
    await checkpoint.save(record)
    expect(await store.has('a')).toBe(true)
    expect(await store.has('b')).toBe(false)
    await checkpoint.remove()
    expect(await store.has('a')).toBe(false)
    await checkpoint.close()
  })

  test('may be there if the directory cannot be read', async () => {
    await mkdir(join(root, 'data'))
    await writeFile(directory, 'a file')
    expect(await store.has('a')).toBe(true)
  })

  test('and its directory are private to the user', async () => {
    const path = await saved()
    const checkpoint = await store.open('a')
    await checkpoint.save(record)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(`${path}.lock`)).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(root, 'data'))).mode & 0o777).toBe(0o700)
    await checkpoint.close()
  })

  test('that others could read is private again after the next save', async () => {
    const path = await saved()
    await chmod(path, 0o644)
    await saved()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('does not affect records whose names start alike', async () => {
    const names = ['a', 'a-b', 'ab', 'a-json']
    for (const name of names) {
      const checkpoint = await store.open(name)
      await checkpoint.save({ name })
      await checkpoint.close()
    }
    const first = await store.open('a')
    await first.remove()
    await first.close()
    expect((await records()).sort()).toEqual(['a-b.json', 'a-json.json', 'ab.json'])
  })

  test.each(['', 'A', 'a/b', '../a', 'a.json', 'a b', 'ä', 'a\0', 'x'.repeat(101)])(
    'cannot have the name %j',
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

  test('is in the user’s data directory by default', () => {
    expect(new FileCheckpointStore().directory).toMatch(/oss-cse.checkpoints$/)
  })
})

describe('a damaged record', () => {
  test('is detected, wherever it is truncated', async () => {
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

  test('is detected, whichever byte has a wrong bit', async () => {
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
  ])('that is %s is detected', async (text) => {
    const path = await saved()
    await writeFile(path, text)
    await expect(loaded()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
  })

  test('that is a directory is detected', async () => {
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
  test('keeps the old record if the new one cannot be written', async () => {
    await saved()
    const checkpoint = await store.open('a')
    await expect(checkpoint.save({ count: 1n })).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    expect(await checkpoint.load()).toEqual(record)
    await checkpoint.close()
    expect(await records()).toEqual(['a.json'])
  })

  test('fails if the directory is gone', async () => {
    const checkpoint = await store.open('a')
    await rm(directory, { recursive: true })
    await expect(checkpoint.save(record)).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await expect(checkpoint.remove()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await checkpoint.close()
  })

  test('repeatedly leaves one file', async () => {
    const checkpoint = await store.open('a')
    for (let n = 0; n < 20; n++) await checkpoint.save({ n })
    expect(await checkpoint.load()).toEqual({ n: 19 })
    await checkpoint.close()
    expect(await records()).toEqual(['a.json'])
  })

  test('that is killed at any moment leaves a whole record', async () => {
    for (let round = 0; round < 5; round++) {
      const { child, output } = await start('save')
      expect(output).toBe('ready')
      await kill(child)
      expect(await loaded()).toMatchObject({ text: expect.stringMatching(/^x*$/), end: true })
    }
    const checkpoint = await store.open('a')
    await checkpoint.remove()
    await checkpoint.close()
    expect(await records()).toEqual([])
  }, 30_000)

  test('that was killed leaves nothing once the record is removed', async () => {
    await saved()
    await writeFile(join(directory, '.oss-cse-a.part'), 'half', { mode: 0o600 })
    const checkpoint = await store.open('a')
    await checkpoint.remove()
    await checkpoint.close()
    expect(await records()).toEqual([])
  })
})

describe('an open record', () => {
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

  test('is refused to all but one of many parallel calls', async () => {
    for (let round = 0; round < 5; round++) {
      const asked = await Promise.allSettled(Array.from({ length: 8 }, () => store.open('a')))
      const got = asked.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      expect(got).toHaveLength(1)
      for (const result of asked) if (result.status === 'rejected') expect(result.reason).toEqual(inUse)
      await got[0]?.close()
    }
  })

  test('stays locked after refusals, and after calls during its close', async () => {
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

  test('is not released by a second close of an earlier owner', async () => {
    const first = await store.open('a')
    await first.close()
    const second = await store.open('a')
    await first.close()
    await expect(store.open('a')).rejects.toEqual(inUse)
    await second.close()
  })

  test('of another process is refused, and free as soon as that is killed', async () => {
    const { child, output } = await start('hold')
    expect(output).toBe('ready')
    await expect(store.open('a')).rejects.toEqual(inUse)
    await kill(child)
    await (await store.open('a')).close()
    expect(await records()).toEqual([])
  })

  test('is refused to another process, until it is closed', async () => {
    const checkpoint = await store.open('a')
    expect((await start('hold')).output).toBe('ERR_CSE_CHECKPOINT_IN_USE')
    await checkpoint.close()
    expect((await start('hold')).output).toBe('ready')
  })

  test('leaves no lock file behind, however it ends', async () => {
    for (let n = 0; n < 5; n++) await (await store.open(`a-${n}`)).close()
    const first = await store.open('a')
    await store.open('a').catch(() => {})
    await first.close()
    expect(await records()).toEqual([])
  })

  test.runIf(process.platform === 'linux')('leaves no open file behind after a refusal', async () => {
    const first = await store.open('a')
    expect(await openFilesBelow(root)).toBe(1)
    for (let n = 0; n < 20; n++) await store.open('a').catch(() => {})
    expect(await openFilesBelow(root)).toBe(1)
    await first.close()
    expect(await openFilesBelow(root)).toBe(0)
  })
})

describe('a directory that cannot be used', () => {
  test('because a file is at its path, or above it, is reported', async () => {
    await writeFile(join(root, 'file'), 'x')
    for (const path of [join(root, 'file'), join(root, 'file', 'below')]) {
      const opened = new FileCheckpointStore({ directory: path }).open('a')
      await expect(opened).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
      await expect(opened).rejects.toThrow(path)
    }
  })

  test.runIf(process.platform === 'linux')(
    'because there is no home directory is reported by the constructor',
    () => {
      vi.stubEnv('HOME', '').stubEnv('XDG_DATA_HOME', '')
      expect(() => new FileCheckpointStore()).toThrow(code('ERR_CSE_CHECKPOINT'))
      expect(new FileCheckpointStore({ directory }).directory).toBe(directory)
      vi.unstubAllEnvs()
    },
  )

  test('because the lock cannot be created is reported', async () => {
    await mkdir(join(directory, 'a.json.lock'), { recursive: true })
    await expect(store.open('a')).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
  })
})

describe.runIf(process.platform !== 'win32')('input that another user could have written', () => {
  const NOBODY = 65_534
  const untrusted = expect.objectContaining({
    code: 'ERR_CSE_CHECKPOINT',
    message: expect.stringContaining('is not trusted'),
  })

  test.each([0o720, 0o702, 0o777, 0o1777])('as a directory of mode %o is refused', async (mode) => {
    await saved()
    await chmod(directory, mode)
    await expect(store.open('a')).rejects.toEqual(untrusted)
    await expect(store.open('a')).rejects.toThrow(`${directory} `)
    expect((await records()).sort()).toEqual(['a.json'])
  })

  test('as a directory that others can write to when it is used is refused', async () => {
    const path = await saved()
    const before = await readFile(path)
    const checkpoint = await store.open('a')
    await chmod(directory, 0o777)
    await expect(checkpoint.load()).rejects.toEqual(untrusted)
    await expect(checkpoint.save({ other: true })).rejects.toEqual(untrusted)
    await expect(checkpoint.remove()).rejects.toEqual(untrusted)
    await checkpoint.close()
    expect(await readFile(path)).toEqual(before)
  })

  test('as a directory that replaces the one in use is neither used nor changed', async () => {
    const path = await saved()
    const checkpoint = await store.open('a')
    await rename(directory, `${directory}-away`)
    await mkdir(directory, { mode: 0o700 })
    await cp(join(`${directory}-away`, 'a.json'), path)
    await cp(join(`${directory}-away`, 'checkpoints.key'), join(directory, 'checkpoints.key'))
    for (const use of [
      () => checkpoint.load(),
      () => checkpoint.save({ other: true }),
      () => checkpoint.remove(),
    ]) {
      await expect(use()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
      await expect(use()).rejects.toThrow('replaced by another')
    }
    await checkpoint.close()
    expect(await loaded()).toEqual(record)
  })

  test.each([0o660, 0o602, 0o666])('as a record of mode %o is refused when it is opened', async (mode) => {
    const path = await saved()
    await chmod(path, mode)
    await expect(store.open('a')).rejects.toEqual(untrusted)
    await expect(store.open('a')).rejects.toThrow('chmod go-w')
    expect(await records()).toEqual(['a.json'])
  })

  test('as a record that others can write to when it is read is refused', async () => {
    const path = await saved()
    const checkpoint = await store.open('a')
    await chmod(path, 0o666)
    await expect(checkpoint.load()).rejects.toEqual(untrusted)
    await checkpoint.close()
  })

  test('as a lock that others can write to is refused', async () => {
    await saved()
    await writeFile(join(directory, 'a.json.lock'), '')
    await chmod(join(directory, 'a.json.lock'), 0o666)
    await expect(store.open('a')).rejects.toEqual(untrusted)
  })

  test.each([0o644, 0o640, 0o666])(
    'or read, as a key of mode %o, is refused, and no record is loaded with it',
    async (mode) => {
      await saved()
      await chmod(join(directory, 'checkpoints.key'), mode)
      const checkpoint = await store.open('a')
      await expect(checkpoint.load()).rejects.toEqual(untrusted)
      await expect(checkpoint.save(record)).rejects.toEqual(untrusted)
      await checkpoint.close()
    },
  )

  test.each(['a.json', 'a.json.lock'])(
    'as the target of a link at %s is refused, and stays unchanged',
    async (name) => {
      await saved()
      const victim = join(root, 'victim')
      await writeFile(victim, 'untouched', { mode: 0o600 })
      await rm(join(directory, name), { force: true })
      await symlink(victim, join(directory, name))
      await expect(store.open('a')).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
      expect(await readFile(victim, 'utf8')).toBe('untouched')
    },
  )

  test.each(['a.json', '.oss-cse-a.part', 'checkpoints.key'])(
    'as the target of a link at %s, created while the record is opened, stays unchanged',
    async (name) => {
      const checkpoint = await store.open('a')
      const victim = join(root, 'victim')
      await writeFile(victim, 'untouched', { mode: 0o600 })
      await symlink(victim, join(directory, name))
      await checkpoint.save(record).catch(() => {})
      await checkpoint.close()
      expect(await readFile(victim, 'utf8')).toBe('untouched')
    },
  )

  test('as the file of a link at the path of a temporary record stays unchanged', async () => {
    const checkpoint = await store.open('a')
    const victim = join(root, 'victim')
    await writeFile(victim, 'untouched', { mode: 0o600 })
    await link(victim, join(directory, '.oss-cse-a.part'))
    await checkpoint.save(record)
    expect(await checkpoint.load()).toEqual(record)
    await checkpoint.close()
    expect(await readFile(victim, 'utf8')).toBe('untouched')
  })

  test.each(['a.json', 'a.json.lock', 'checkpoints.key'])(
    'as a named pipe at %s causes no wait',
    async (name) => {
      await saved()
      await rm(join(directory, name), { force: true })
      execFileSync('/usr/bin/env', ['mkfifo', '-m', '600', join(directory, name)])
      await expect(loaded()).rejects.toEqual(untrusted)
    },
  )

  test('as a record that was copied from another directory is treated as damaged', async () => {
    const other = new FileCheckpointStore({ directory: join(root, 'other') })
    const forged = await other.open('a')
    await forged.save({ forged: true })
    await forged.close()
    await saved()
    await cp(join(root, 'other', 'a.json'), join(directory, 'a.json'))
    await expect(loaded()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await saved()
    expect(await loaded()).toEqual(record)
  })

  test('as a record of another name is treated as damaged', async () => {
    const path = await saved()
    await cp(path, join(directory, 'b.json'))
    const checkpoint = await store.open('b')
    await expect(checkpoint.load()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await checkpoint.close()
  })

  test('a record without its key is treated as damaged, and the next one has a new key', async () => {
    await saved()
    await rm(join(directory, 'checkpoints.key'))
    await expect(loaded()).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    await saved()
    expect(await loaded()).toEqual(record)
  })

  test.each([0, 31, 33])('a key of %i bytes is refused', async (length) => {
    await saved()
    await writeFile(join(directory, 'checkpoints.key'), new Uint8Array(length))
    await expect(loaded()).rejects.toThrow('checkpoints.key is damaged')
  })

  test('many stores that start at once get the same key, private to this user', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const open = (name: string) => new FileCheckpointStore({ directory }).open(name)
    const taken = await Promise.all(names.map(open))
    await Promise.all(taken.map((checkpoint, n) => checkpoint.save({ n })))
    await Promise.all(taken.map((checkpoint) => checkpoint.close()))
    for (const [n, name] of names.entries()) {
      const checkpoint = await open(name)
      expect(await checkpoint.load()).toEqual({ n })
      await checkpoint.close()
    }
    expect((await stat(join(directory, 'checkpoints.key'))).mode & 0o777).toBe(0o600)
    expect((await records()).sort()).toEqual(names.map((name) => `${name}.json`))
  })

  describe('from another user', () => {
    beforeEach((context) => {
      if (process.getuid?.() !== 0) context.skip('Only root can give a file to another user.')
    })

    test('a directory that was created first is refused', async () => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await chown(directory, NOBODY, NOBODY)
      await expect(store.open('a')).rejects.toEqual(untrusted)
      expect(await readdir(directory)).toEqual([])
    })

    test.each(['a.json', 'a.json.lock', 'checkpoints.key'])('%s is refused', async (name) => {
      const path = await saved()
      if (name === 'a.json.lock') await writeFile(`${path}.lock`, '', { mode: 0o600 })
      await chown(join(directory, name), NOBODY, NOBODY)
      await expect(loaded()).rejects.toEqual(untrusted)
    })

    test('a whole directory with a forged record and its key starts no upload', async () => {
      // The other user forges with the same code, and makes everything readable.
      const path = await saved()
      for (const entry of ['', 'checkpoints.key', 'a.json'])
        await chown(join(directory, entry), NOBODY, NOBODY)
      const before = await readFile(path)
      const { bucket, transport } = memoryBucket()
      const data = new Uint8Array(300_000)
      await expect(
        bucket.upload('key', data, {
          checkpointStore: store,
          partSizeBytes: 102_400,
          multipartThresholdBytes: 0,
        }),
      ).rejects.toEqual(untrusted)
      expect(transport.requests).toEqual([])
      expect(await readFile(path)).toEqual(before)
    })
  })
})
