import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OssEmulator, type RecordedRequest, startOssEmulator } from '@oss-cse/oss-emulator'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOptions, endAll, type Finished, finish, run, start } from './command-line.ts'
import { bucketOf, keyPair, random } from './emulated-bucket.ts'

const PART = 100 * 1024
/** Eleven parts. */
const SIZE = 10 * PART + 123

let emulator: OssEmulator
let directory: string
let env: NodeJS.ProcessEnv
let bytes: Uint8Array

beforeAll(() => {
  bytes = random(SIZE)
})
beforeEach(async () => {
  emulator = await startOssEmulator({ buckets: ['demo'] })
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-resume-'))
  await writeFile(at('private.pem'), keyPair.privateKey)
  await writeFile(at('public.pem'), keyPair.publicKey)
  await writeFile(at('in'), bytes)
  env = {
    OSS_ENDPOINT: emulator.endpoint,
    OSS_REGION: emulator.region,
    OSS_ACCESS_KEY_ID: emulator.accessKeyId,
    OSS_ACCESS_KEY_SECRET: emulator.accessKeySecret,
    OSS_CSE_CHECKPOINT_DIR: at('checkpoints'),
  }
})
afterEach(async () => {
  endAll()
  await emulator.close()
  await rm(directory, { recursive: true, force: true })
})

const at = (name: string) => join(directory, name)
const cse = (args: readonly string[], options: CommandOptions = {}) =>
  run(args, { cwd: directory, env, ...options })
const begin = (args: readonly string[]) => start(args, { cwd: directory, env })

const privateKey = ['--rsa-private-key', 'private.pem']
const publicKey = ['--rsa-public-key', 'public.pem']
const inParts = ['--part-size', '100KiB', '--multipart-threshold', '100KiB', '--parallel', '2']
const PUT = ['put', 'in', 'oss://demo/big', ...inParts]
const GET = ['get', 'oss://demo/big', 'out', ...inParts, ...privateKey]

const checkpoints = async () =>
  (await readdir(at('checkpoints')).catch(() => [])).filter((name) => name.endsWith('.json'))
const uploads = async () => (await cse(['uploads', 'ls', 'oss://demo'])).stdout.toString()
const stored = async (): Promise<Uint8Array> => bucketOf(emulator).getBytes('big')

const partNumber = ({ method, query }: RecordedRequest): number | undefined => {
  const number = method === 'PUT' ? new URLSearchParams(query).get('partNumber') : null
  return number === null ? undefined : Number(number)
}
const sentParts = () => emulator.requests.filter((request) => partNumber(request) !== undefined)
const isGet = ({ method, path }: RecordedRequest) => method === 'GET' && path.endsWith('/big')
const fetchedRanges = () => emulator.requests.filter((request) => isGet(request) && request.status !== 0)
const inOrder = (numbers: readonly (number | undefined)[]) => numbers.toSorted((a, b) => (a ?? 0) - (b ?? 0))

/** Both workers of an upload hang in parts 5 and 6: parts 1 to 4 are acknowledged then, and no other is on its way. */
function stallUpload(): void {
  for (const part of [5, 6]) emulator.injectFault({ kind: 'stall', method: 'PUT', partNumber: part })
}

/** Both workers of a download hang in their third request: four ranges have come then. */
function stallDownload(): void {
  emulator.injectFault({ kind: 'slow', delayMs: 0, method: 'GET', key: 'big', count: 4 })
  emulator.injectFault({ kind: 'stall', method: 'GET', key: 'big', count: 2 })
}

/** Waits until two requests stall. A command that ends first does not have them: its end tells why. */
async function stalled(child: ChildProcess, finished: Promise<Finished>): Promise<void> {
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  await new Promise<void>((resolve) => {
    const poll = () =>
      ended || emulator.requests.filter(({ fault }) => fault === 'stall').length >= 2
        ? resolve()
        : setImmediate(poll)
    poll()
  })
  if (ended) throw new Error(`The command ended by itself: ${JSON.stringify(await finished)}`)
}

/** Starts a command, waits until the server has stopped answering, and interrupts it. */
async function interrupted(args: readonly string[], signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> {
  const child = begin(args)
  const finished = finish(child)
  await stalled(child, finished)
  child.kill(signal)
  return finished
}

describe('an interrupted put', () => {
  test.each(['--quiet', '--no-resume'])(
    'with %s leaves no upload when the service is just beginning it',
    async (option) => {
      emulator.injectFault({ method: 'POST', kind: 'slow', delayMs: 600 })
      const child = begin([...PUT, ...privateKey, option])
      const finished = finish(child)
      while (!emulator.requests.some(({ method }) => method === 'POST')) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      child.kill('SIGINT')
      expect((await finished).code).toBe(130)
      expect(await uploads()).toBe('')
    },
  )

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'stops on %s while the server says nothing, and the same command sends only what is missing',
    async (signal) => {
      stallUpload()
      const first = await interrupted([...PUT, ...privateKey], signal)
      expect(first).toMatchObject({
        code: 130,
        stderr: 'oss-cse: Interrupted. Parts uploaded: 4 of 11. Run the same command again to resume.\n',
      })
      expect(await checkpoints()).toHaveLength(1)
      expect(await uploads()).toContain('oss://demo/big')
      expect(inOrder(sentParts().map(partNumber))).toEqual([1, 2, 3, 4, 5, 6])

      const second = await cse([...PUT, ...privateKey, '--json'])
      expect(second).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(second.stdout.toString())).toMatchObject({
        sizeBytes: SIZE,
        resumedBytes: 4 * PART,
        verification: 'crc64',
      })
      expect(inOrder(sentParts().map(partNumber))).toEqual([1, 2, 3, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11])
      const acknowledged = sentParts().filter(({ status }) => status === 200)
      expect(inOrder(acknowledged.map(partNumber))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      expect(await stored()).toEqual(bytes)
      expect([await checkpoints(), await uploads()]).toEqual([[], ''])
    },
  )

  test('tells a person what was sent before', async () => {
    stallUpload()
    await interrupted([...PUT, ...privateKey])
    expect(await cse([...PUT, ...privateKey])).toMatchObject({
      code: 0,
      stderr:
        '4 of 11 parts were sent before.\n' +
        'Uploaded oss://demo/big (1.0 MiB, encrypted, checksum verified, 400 KiB resumed).\n',
    })
  })

  test('goes on after the process was killed', async () => {
    stallUpload()
    const killed = await interrupted([...PUT, ...privateKey], 'SIGKILL')
    expect(killed).toMatchObject({ code: null, stderr: '' })
    const second = await cse([...PUT, ...privateKey, '--json'])
    expect(JSON.parse(second.stdout.toString())).toMatchObject({ resumedBytes: 4 * PART })
    expect(await stored()).toEqual(bytes)
  })

  test('with --no-resume leaves no upload on the server and no checkpoint', async () => {
    stallUpload()
    const { code, stderr } = await interrupted([...PUT, ...privateKey, '--no-resume'])
    expect([code, stderr]).toEqual([130, expect.stringContaining('Nothing was kept (--no-resume)')])
    expect(inOrder(sentParts().map(partNumber))).toEqual([1, 2, 3, 4, 5, 6])
    expect([await uploads(), await checkpoints()]).toEqual(['', []])
  })

  test('under a public key alone leaves nothing, and said so before', async () => {
    stallUpload()
    const { code, stderr } = await interrupted([...PUT, ...publicKey])
    expect(code).toBe(130)
    expect(stderr).toMatch(
      /^oss-cse: warning: .*only a public key.*\noss-cse: Interrupted\. Nothing was kept, because .*public key cannot resume\.\n$/,
    )
    expect([await uploads(), await checkpoints()]).toEqual(['', []])
  })

  test('of a file that changed since begins afresh, says so, and aborts the old upload', async () => {
    stallUpload()
    await interrupted([...PUT, ...privateKey])
    const [, uploadId = 'none'] = (await uploads()).split(/ +/)
    const changed = bytes.map((byte, index) => (index === SIZE - 1 ? byte ^ 1 : byte))
    await writeFile(at('in'), changed)
    emulator.resetRequests()
    const { code, stderr } = await cse([...PUT, ...privateKey])
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^oss-cse: warning: .*changed.* restarts.*\nUploaded oss:\/\/demo\/big \([^)]*, checksum verified\)\.\n$/,
    )
    expect(inOrder(sentParts().map(partNumber))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(sentParts().some(({ query }) => query.includes(uploadId))).toBe(false)
    expect(emulator.requests).toContainEqual(
      expect.objectContaining({ method: 'DELETE', query: expect.stringContaining(uploadId), status: 204 }),
    )
    expect(await stored()).toEqual(changed)
    expect([await uploads(), await checkpoints()]).toEqual(['', []])
  })

  test('is not disturbed by a second one of the same file and object, which exits 1', async () => {
    stallUpload()
    const child = begin([...PUT, ...privateKey])
    const finished = finish(child)
    await stalled(child, finished)
    const before = emulator.requests.length
    expect(await cse([...PUT, ...privateKey])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[ERR_CSE_CHECKPOINT_IN_USE]'),
    })
    expect(emulator.requests.length).toBe(before)
    child.kill('SIGINT')
    expect(await finished).toMatchObject({ code: 130 })
  })

  test.runIf(process.platform === 'linux')(
    'keeps its checkpoint in the data directory of the user, for nobody else to read',
    async () => {
      env = { ...env, OSS_CSE_CHECKPOINT_DIR: '', XDG_DATA_HOME: at('data') }
      stallUpload()
      await interrupted([...PUT, ...privateKey])
      const kept = at('data/oss-cse/checkpoints')
      const names = await readdir(kept)
      expect(names.sort()).toEqual(['checkpoints.key', expect.stringMatching(/^upload-.*\.json$/)])
      expect((await stat(kept)).mode & 0o777).toBe(0o700)
      for (const name of names) expect((await stat(join(kept, name))).mode & 0o777).toBe(0o600)
    },
  )
})

describe('an interrupted get', () => {
  beforeEach(async () => {
    await bucketOf(emulator).put('big', bytes)
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'stops on %s while the server says nothing, and the same command fetches only what is missing',
    async (signal) => {
      await writeFile(at('out'), 'old')
      stallDownload()
      const first = await interrupted(GET, signal)
      expect(first).toMatchObject({
        code: 130,
        stderr: 'oss-cse: Interrupted. Parts downloaded: 4 of 11. Run the same command again to resume.\n',
      })
      expect(await checkpoints()).toHaveLength(1)
      expect(await readFile(at('out'), 'utf8')).toBe('old')
      expect(await readdir(directory)).toContainEqual(expect.stringMatching(/^\.oss-cse-.*\.part$/))
      expect(fetchedRanges()).toHaveLength(4)

      const second = await cse([...GET, '--json'])
      expect(second).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(second.stdout.toString())).toMatchObject({
        sizeBytes: SIZE,
        resumedBytes: 4 * PART,
        verification: 'crc64',
      })
      const ranges = fetchedRanges().map(({ status, headers }) => [status, headers['range']])
      const expected = Array.from({ length: 11 }, (_, index) => [
        206,
        `bytes=${index * PART}-${Math.min((index + 1) * PART, SIZE) - 1}`,
      ])
      expect(ranges.toSorted()).toEqual(expected.toSorted())
      expect(new Uint8Array(await readFile(at('out')))).toEqual(bytes)
      expect(await checkpoints()).toEqual([])
      expect((await readdir(directory)).filter((name) => name.endsWith('.part'))).toEqual([])
    },
  )

  test('tells a person what was fetched before', async () => {
    stallDownload()
    await interrupted(GET)
    expect(await cse(GET)).toMatchObject({
      code: 0,
      stderr:
        '4 of 11 parts were fetched before.\n' +
        'Downloaded oss://demo/big (1.0 MiB, decrypted, checksum verified, 400 KiB resumed).\n',
    })
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'with --no-resume leaves no checkpoint and nothing of the file on %s',
    async (signal) => {
      stallDownload()
      const { code, stderr } = await interrupted([...GET, '--no-resume'], signal)
      expect([code, stderr]).toEqual([130, expect.stringContaining('Nothing was kept (--no-resume)')])
      expect(fetchedRanges()).toHaveLength(4)
      expect(await checkpoints()).toEqual([])
      expect((await readdir(directory)).sort()).toEqual(['in', 'private.pem', 'public.pem'])
    },
  )

  test('of an object that was replaced since begins afresh and says so', async () => {
    stallDownload()
    await interrupted(GET)
    const replaced = random(SIZE)
    await bucketOf(emulator).put('big', replaced)
    const { code, stderr } = await cse(GET)
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^oss-cse: warning: .*replaced.* restarts.*\nDownloaded oss:\/\/demo\/big \([^)]*, checksum verified\)\.\n$/,
      ),
    ])
    expect(new Uint8Array(await readFile(at('out')))).toEqual(replaced)
  })
})

test('unfinished uploads are listed and aborted: one, those behind a prefix, all', async () => {
  const bucket = bucketOf(emulator)
  const ids: string[] = []
  for (const key of ['dir/a', 'dir/a', 'dir/b', 'c']) {
    ids.push((await bucket.initiateMultipartUpload(key, { sizeBytes: SIZE })).uploadId)
  }
  const [first = '', second = '', third = '', last = ''] = ids
  const listed = async (url: string) => {
    const lines = (await cse(['uploads', 'ls', url])).stdout.toString().trim().split('\n')
    return lines
      .filter(Boolean)
      .map((line) => line.split(/ +/).slice(1))
      .toSorted()
  }
  const all = [
    [first, 'oss://demo/dir/a'],
    [second, 'oss://demo/dir/a'],
    [third, 'oss://demo/dir/b'],
    [last, 'oss://demo/c'],
  ]
  expect(await listed('oss://demo')).toEqual(all.toSorted())
  expect(await listed('oss://demo/dir/')).toEqual(all.slice(0, 3).toSorted())
  expect(await cse(['uploads', 'abort', 'oss://demo/dir/a', first])).toMatchObject({ code: 0 })
  expect(await listed('oss://demo')).toEqual(all.slice(1).toSorted())
  expect(await cse(['uploads', 'abort', '--all', 'oss://demo/dir/'])).toMatchObject({
    code: 0,
    stderr: 'Aborted 2 uploads.\n',
  })
  expect(await cse(['uploads', 'abort', '--all', 'oss://demo'])).toMatchObject({ code: 2 })
  expect(await listed('oss://demo')).toEqual(all.slice(3))
  expect(await cse(['uploads', 'abort', '--all', 'oss://demo/'])).toMatchObject({ code: 0 })
  expect(await listed('oss://demo')).toEqual([])
})
