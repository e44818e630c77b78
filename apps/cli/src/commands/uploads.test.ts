import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryServer, type RunOptions, run } from '../testing/shell.ts'

let server: MemoryServer
/** The upload ids of `dir/a`, `dir/b` and `c`. */
let ids: readonly string[]
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)
const left = async (): Promise<string[]> =>
  (await server.bucket('demo').listUploads({})).uploads.map(({ key }) => key)

beforeEach(async () => {
  server = new MemoryServer()
  const begun = ['dir/a', 'dir/b', 'c'].map((key) => server.bucket('demo').initiate({ key, headers: {} }))
  ids = (await Promise.all(begun)).map(({ uploadId }) => uploadId)
})

describe('uploads ls', () => {
  test('shows the start date, id and URL of each upload, without a key', async () => {
    const { code, stdout } = await oss(['uploads', 'ls', 'oss://demo/dir/'])
    expect(code).toBe(0)
    const fields = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/))
    const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(fields).toEqual([
      [date, ids[0], 'oss://demo/dir/a'],
      [date, ids[1], 'oss://demo/dir/b'],
    ])
  })

  test('--json is one object, even with no upload', async () => {
    expect((await oss(['uploads', 'ls', 'oss://demo/c', '--json'])).json()).toEqual({
      bucket: 'demo',
      prefix: 'c',
      uploads: [{ key: 'c', uploadId: ids[2], initiated: expect.stringMatching(/^\d{4}-.*Z$/) }],
      uploadCount: 1,
    })
    expect((await oss(['uploads', 'ls', 'oss://empty', '--json'])).json()).toEqual({
      bucket: 'empty',
      prefix: '',
      uploads: [],
      uploadCount: 0,
    })
  })

  test('control characters of a key do not reach the terminal', async () => {
    await server.bucket('demo').initiate({ key: '\u001b[2J', headers: {} })
    expect((await oss(['uploads', 'ls', 'oss://demo'])).stdout.toString()).toContain(String.raw`\x1b[2J`)
  })
})

describe('uploads abort', () => {
  test('aborts one upload and no other', async () => {
    const { code, stderr } = await oss(['uploads', 'abort', 'oss://demo/dir/a', ids[0] ?? ''])
    expect([code, stderr]).toEqual([
      0,
      `Aborted the upload ${ids[0]} of oss://demo/dir/a, or it did not exist.\n`,
    ])
    expect(await left()).toEqual(['c', 'dir/b'])
  })

  test('counts an upload that does not exist as aborted', async () => {
    const { code, json } = await oss(['uploads', 'abort', 'oss://demo/none', 'upload-77', '--json'])
    expect([code, json()]).toEqual([0, expect.objectContaining({ abortedCount: 1, existenceChecked: false })])
    expect(await left()).toHaveLength(3)
  })

  test('--all aborts uploads whose key begins with the prefix', async () => {
    const { json } = await oss(['uploads', 'abort', '--all', 'oss://demo/dir/', '--json'])
    expect(json()).toEqual({
      bucket: 'demo',
      aborted: [
        { key: 'dir/a', uploadId: ids[0] },
        { key: 'dir/b', uploadId: ids[1] },
      ],
      abortedCount: 2,
      existenceChecked: true,
    })
    expect(await left()).toEqual(['c'])
  })

  test('a whole bucket needs --all, and a slash after its name', async () => {
    for (const refused of [
      ['--all', 'oss://demo'],
      ['oss://demo/'],
      ['oss://demo/dir/a'],
      ['oss://demo/dir/a', ''],
      ['--all', 'oss://demo/dir/a', ids[0] ?? ''],
    ]) {
      expect((await oss(['uploads', 'abort', ...refused])).code, refused.join(' ')).toBe(2)
    }
    expect(await left()).toHaveLength(3)
    expect((await oss(['uploads', 'abort', '--all', 'oss://demo/'])).code).toBe(0)
    expect(await left()).toEqual([])
  })
})
