import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keyPair, random } from './emulated-bucket.ts'

const app = (file: string): string =>
  fileURLToPath(new URL(file, import.meta.resolve('@oss-cse/file-server/package.json')))
const film = Buffer.from(random(3_000_017))

test('the encrypted file server is one changed line away from the plain one', async () => {
  const [plain, encrypted] = await Promise.all(
    ['plain.js', 'encrypted.js'].map(async (file) => (await readFile(app(file), 'utf8')).split('\n')),
  )
  const changed = plain?.filter((line, index) => line !== encrypted?.[index])
  expect(encrypted).toHaveLength(plain?.length ?? 0)
  expect(changed).toEqual(["import OSS from 'ali-oss'"])
  const readme = await readFile(app('README.md'), 'utf8')
  expect(readme).toContain(`-${changed?.[0]}\n+${encrypted?.[0]}\n`)
})

describe.each(['plain.js', 'encrypted.js'])('%s', (file) => {
  let emulator: OssEmulator
  let server: ChildProcess
  let directory: string
  let url: string

  beforeAll(async () => {
    emulator = await startOssEmulator()
    directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
    const masterKey = join(directory, 'master.pem')
    await writeFile(masterKey, keyPair.privateKey, { mode: 0o600 })
    server = spawn(process.execPath, [app(file)], {
      env: {
        ...process.env,
        OSS_ENDPOINT: emulator.endpoint,
        OSS_REGION: emulator.region,
        OSS_ACCESS_KEY_ID: emulator.accessKeyId,
        OSS_ACCESS_KEY_SECRET: emulator.accessKeySecret,
        MASTER_KEY_FILE: masterKey,
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(server.stdout ?? server, 'data')) as [Buffer]
    url = String(line).trim()
  })
  afterAll(async () => {
    server.kill()
    await emulator.close()
    await rm(directory, { recursive: true, force: true })
  })

  const at = (name: string): string => `${url}files/${encodeURIComponent(name)}`
  const put = (name: string, body: Buffer, type: string): Promise<Response> =>
    fetch(at(name), { method: 'PUT', body: new Uint8Array(body), headers: { 'content-type': type } })
  const get = (name: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(at(name), { headers })

  test('what is uploaded is listed, and comes back as it was, with its type', async () => {
    expect((await put('a film & more.mp4', film, 'video/mp4')).status).toBe(204)
    const answer = await get('a film & more.mp4')
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(film.length),
      'accept-ranges': 'bytes',
    })
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(film)
    const page = await (await fetch(url)).text()
    expect(page).toContain('a film &amp; more.mp4')
    expect(page).toContain(`(${film.length} bytes)`)
    expect(page).toContain('<video')
  })

  test('the service has the film, or its ciphertext, of the same length', async () => {
    const stored = await emulator.getStoredObject('demo', 'a film & more.mp4')
    expect(stored?.bytes).toHaveLength(film.length)
    expect(Buffer.from(stored?.bytes ?? []).equals(film)).toBe(file === 'plain.js')
  })

  test('a player seeks: what it asks for by Range is what it gets', async () => {
    const asked: [string, number, number][] = [
      // How a browser begins, how it goes on from where somebody clicked, and how it looks for the end.
      ['bytes=0-', 0, film.length],
      ['bytes=1500000-', 1_500_000, film.length],
      ['bytes=2999999-', 2_999_999, film.length],
      ['bytes=-17', film.length - 17, film.length],
      ['bytes=1000001-1000100', 1_000_001, 1_000_101],
      ['bytes=3000000-9999999', 3_000_000, film.length],
    ]
    for (const [range, start, end] of asked) {
      const answer = await get('a film & more.mp4', { range })
      expect({ range, status: answer.status, ...Object.fromEntries(answer.headers) }).toMatchObject({
        range,
        status: 206,
        'content-range': `bytes ${start}-${end - 1}/${film.length}`,
        'content-length': String(end - start),
      })
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(film.subarray(start, end))
    }
    expect((await get('a film & more.mp4', { range: 'bytes=3000017-' })).status).toBe(416)
  })

  test('a player that seeks away ends its download, and the next one works', async () => {
    const controller = new AbortController()
    const answer = await fetch(at('a film & more.mp4'), { signal: controller.signal })
    await answer.body?.getReader().read()
    controller.abort()
    expect((await get('a film & more.mp4', { range: 'bytes=0-0' })).status).toBe(206)
  })

  test('a range of another film than the one that is there gives all of this one', async () => {
    const etag = (await get('a film & more.mp4')).headers.get('etag') ?? ''
    const same = await get('a film & more.mp4', { range: 'bytes=5-9', 'if-range': etag })
    expect(same.status).toBe(206)
    const other = await get('a film & more.mp4', { range: 'bytes=5-9', 'if-range': '"0"' })
    expect(other.status).toBe(200)
    expect(Buffer.from(await other.arrayBuffer())).toEqual(film)
  })

  test('a browser that has it already gets 304', async () => {
    const etag = (await get('a film & more.mp4')).headers.get('etag') ?? ''
    const answer = await get('a film & more.mp4', { 'if-none-match': etag })
    expect({ status: answer.status, length: (await answer.arrayBuffer()).byteLength }).toEqual({
      status: 304,
      length: 0,
    })
  })

  test('HEAD says what GET would', async () => {
    const answer = await fetch(at('a film & more.mp4'), { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-length')).toBe(String(film.length))
  })

  test('an upload without a length works, and one that breaks off leaves what was there', async () => {
    const chunked = new Blob([new Uint8Array(film)]).stream()
    const uploaded = await fetch(at('a'), { method: 'PUT', body: chunked, duplex: 'half' } as RequestInit)
    expect(uploaded.status).toBe(204)
    const request = httpRequest(at('a'), { method: 'PUT', headers: { 'content-length': '1000000' } })
    request.on('error', () => {})
    request.write(random(100_000), () => request.destroy())
    await new Promise((resolve) => request.on('close', resolve))
    const puts = () => emulator.requests.filter(({ method, path }) => method === 'PUT' && path === '/demo/a')
    await expect.poll(puts).toHaveLength(2)
    expect(Buffer.from(await (await get('a')).arrayBuffer())).toEqual(film)
  })

  test('what is not there is 404, and what was deleted too', async () => {
    expect((await get('none')).status).toBe(404)
    expect((await fetch(`${url}elsewhere`)).status).toBe(404)
    expect((await fetch(at('a'), { method: 'DELETE' })).status).toBe(204)
    expect((await get('a')).status).toBe(404)
    expect((await fetch(at('a'), { method: 'POST' })).status).toBe(405)
  })
})
