import { writeFile } from 'node:fs/promises'
import { Agent, type ClientRequest } from 'node:http'
import { PassThrough, Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { CryptoOSS } from '../../src/index.ts'
import { random, rejection, Subject } from '../subject.ts'
import { bound } from './objects.ts'

const content = random(1000)

/** Rules for the client as a whole: its bucket, credentials, timeouts and retries, and the calls that it passes through. */
export function surroundings(subject: () => Subject): void {
  test('useBucket selects the bucket of later calls', async () => {
    const { client, emulator } = subject()
    await client.put('a', Buffer.from('in demo'))
    client.useBucket('other-bucket')
    await client.put('a', Buffer.from('in other'))
    expect(String((await client.get('a')).content)).toBe('in other')
    expect((await client.multipartUpload('b', random(102_400))).bucket).toBe('other-bucket')
    expect((await client.list(null, {})).objects.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(String((await client.setBucket('demo').get('a')).content)).toBe('in demo')
    expect(await emulator.getStoredObject('demo', 'b')).toBeUndefined()
  })

  test('a client without a bucket can select one later', async () => {
    const client = subject().newClient({ bucket: undefined })
    await rejection(client.put('a', content))
    client.useBucket('demo')
    await client.put('a', content)
    expect((await client.get('a')).content).toEqual(content)
  })

  test.each([
    ['V1', { authorizationV4: false }],
    ['V4', { authorizationV4: true }],
  ])('with signature %s', async (_, options) => {
    const client = subject().newClient(options)
    await client.multipartUpload('a', random(250_000), { partSize: 102_400 })
    await client.put('ü/b c+d.txt', content, { meta: { owner: 'ops' } })
    expect((await client.get('ü/b c+d.txt', { headers: { Range: 'bytes=20-' } })).content).toEqual(
      content.subarray(20),
    )
  })

  test('refreshSTSToken renews temporary credentials, and its errors are thrown unchanged', async () => {
    const mine = await Subject.start(subject().kind, { securityToken: 'token' })
    try {
      const { accessKeyId, accessKeySecret } = mine.emulator
      let asked = 0
      const fresh = { stsToken: 'old', refreshSTSTokenInterval: 0, accessKeySecret: 'old' }
      const client = mine.newClient({
        ...fresh,
        async refreshSTSToken() {
          asked += 1
          return { accessKeyId, accessKeySecret, stsToken: 'token' }
        },
      })
      await client.put('a', content)
      await client.multipartUpload('b', random(102_400))
      expect((await client.get('a')).content).toEqual(content)
      await client.list(null, {})
      expect(asked).toBeGreaterThan(0)
      const failing = mine.newClient({
        ...fresh,
        refreshSTSToken: () => Promise.reject(new Error('the vault is shut')),
      })
      expect(await rejection(failing.put('a', content))).toMatchObject({ message: 'the vault is shut' })
    } finally {
      await mine.end()
    }
  })

  test('calls during the renewal of a token', async () => {
    const mine = await Subject.start(subject().kind, { securityToken: 'new' })
    try {
      const { accessKeyId, accessKeySecret } = mine.emulator
      let asked = 0
      const client = mine.newClient({
        stsToken: 'old',
        refreshSTSTokenInterval: 0,
        retryMax: 0,
        retry: undefined,
        async refreshSTSToken() {
          asked += 1
          // Only the first call sees that the interval has passed.
          Object.assign(client, {
            options: Object.assign(Reflect.get(client, 'options'), { refreshSTSTokenInterval: 60_000 }),
          })
          await new Promise(setImmediate)
          return { accessKeyId, accessKeySecret, stsToken: 'new' }
        },
      })
      const calls = [
        client.put('a', content),
        client.put('b', content),
        client.listV2({}),
        client.put('c', content),
      ]
      const outcomes = (await Promise.allSettled(calls)).map(({ status }) => status)
      expect(asked).toBe(1)
      const all = bound(subject()).differs('everywhere.tokens')
      expect(outcomes.filter((outcome) => outcome === 'fulfilled')).toHaveLength(all ? 4 : 1)
    } finally {
      await mine.end()
    }
  })

  test('options can be reused', async () => {
    const { client, path, differs } = bound(subject())
    await writeFile(path('in'), content)
    const options = () => ({ headers: { 'x-oss-tagging': 'a=1' }, meta: { owner: 'ops' }, subres: {} })
    const uses: [string, (options: object) => Promise<unknown>][] = [
      ['put', (given) => client.put('a', content, given)],
      ['a file', (given) => client.put('a', path('in'), given)],
      ['putStream', (given) => client.putStream('a', Readable.from([content]), given)],
      ['get', (given) => client.get('a', given)],
      ['getStream', async (given) => (await client.getStream('a', given)).stream.resume()],
      ['head', (given) => client.head('a', given)],
      ['getObjectMeta', (given) => client.getObjectMeta('a', given)],
      ['multipartUpload', (given) => client.multipartUpload('a', random(102_400), given)],
      ['copy', (given) => client.copy('b', 'a', { headers: (given as { headers: object }).headers })],
    ]
    let changed = 0
    for (const [name, use] of uses) {
      const given = options()
      await use(given)
      if (differs('everywhere.optionsStay')) expect({ name, given }).toEqual({ name, given: options() })
      else if (JSON.stringify(given) !== JSON.stringify(options())) changed += 1
    }
    expect(changed > 0).toBe(!differs('everywhere.optionsStay'))
  })

  test('null means no options', async () => {
    const { client } = subject()
    await client.put('a', content, null)
    await client.putStream('a', Readable.from([content]), null)
    await client.multipartUpload('a', content, null)
    expect((await client.get('a', null, null)).content).toEqual(content)
    expect(await buffer((await client.getStream('a', null)).stream)).toEqual(content)
    await client.getObjectMeta('a', null)
    await client.copy('b', 'a', 'demo', null)
    expect(client.signatureUrl('a', null)).toContain('Signature=')
  })

  test('frozen options work', async () => {
    const { client, differs } = bound(subject())
    const options = Object.freeze({
      headers: Object.freeze({ 'x-oss-tagging': 'a=1' }),
      meta: Object.freeze({ owner: 'ops' }),
    })
    await client.put('a', content, options)
    const { meta } = await client.head('a')
    expect(meta).toEqual(differs('everywhere.optionsStay') ? { owner: 'ops' } : null)
  })

  test('a timeout, and a longer transfer that makes progress', async () => {
    const { differs } = bound(subject())
    const client = subject().newClient({ timeout: 3000, retry: { maxAttempts: 1 } })
    subject().emulator.injectFault({ kind: 'stall', method: 'GET', key: 'a' })
    await client.put('a', content)
    expect(await rejection(client.get('a'))).toMatchObject({ name: 'ResponseTimeoutError' })
    const slow = Readable.from(
      (async function* () {
        for (let n = 0; n < 30; n++) {
          yield content
          await new Promise((resolve) => setTimeout(resolve, 150))
        }
      })(),
    )
    const upload = client.putStream('b', slow, { contentLength: 30_000 })
    if (differs('everywhere.timeout')) {
      await upload
      expect((await client.get('b')).content).toHaveLength(30_000)
    } else expect(await rejection(upload)).toMatchObject({ name: 'ResponseTimeoutError' })
  })

  test('a timeout of one call', async () => {
    const { client, emulator } = subject()
    await client.put('a', content)
    emulator.injectFault({ kind: 'stall', method: 'HEAD', key: 'a', count: 10 })
    expect(await rejection(client.head('a', { timeout: 50 }))).toMatchObject({ name: 'ResponseTimeoutError' })
  })

  test('a connection that breaks', async () => {
    const { client, emulator, differs } = bound(subject())
    await client.put('a', content)
    for (const [method, call] of [
      ['PUT', () => client.put('a', content)],
      ['GET', () => client.get('a')],
      ['HEAD', () => client.head('a')],
    ] as const) {
      emulator.injectFault({ kind: 'reset-before', method, key: 'a', count: 3 })
      if (differs('everywhere.retries')) await call()
      else expect(await rejection(call())).toMatchObject({ status: -1 })
      emulator.clearFaults()
    }
  })

  test('each part has its own count of retries', async () => {
    const { emulator, differs } = bound(subject())
    const client = subject().newClient({ retryMax: 2, retry: undefined })
    for (const partNumber of [1, 2, 3, 4]) {
      emulator.injectFault({ kind: 'reset-before', method: 'PUT', partNumber, count: 1 })
    }
    const bytes = random(4 * 102_400)
    const upload = client.multipartUpload('a', bytes, { partSize: 102_400, parallel: 4 })
    if (differs('everywhere.retries')) {
      await upload
      expect((await client.get('a')).content).toEqual(bytes)
    } else await rejection(upload)
  })

  test('a download that breaks midway', async () => {
    const { client, emulator, differs } = bound(subject())
    const bytes = random(1_000_000)
    await client.put('a', bytes)
    emulator.injectFault({ kind: 'reset-during-response', method: 'GET', key: 'a', afterBytes: 500_003 })
    if (differs('everywhere.retries')) expect((await client.get('a')).content).toEqual(bytes)
    else expect(await rejection(client.get('a'))).toBeInstanceOf(Error)
  })

  test('a download that breaks repeatedly throws a network error', async () => {
    const { client, emulator } = subject()
    await client.put('a', random(1_000_000))
    emulator.injectFault({ kind: 'reset-during-response', method: 'GET', key: 'a', afterBytes: 0, count: 50 })
    const { stream } = await client.getStream('a')
    const error = await rejection(stream.toArray())
    if (subject().kind === 'CryptoOSS') expect(error).toMatchObject({ name: 'ResponseError', status: -1 })
    else expect(error).toBeInstanceOf(Error)
  })

  test('a broken connection is a ResponseError, and one that is not made is a RequestError', async () => {
    const { emulator, path } = bound(subject())
    const once = { retryMax: 0, retry: undefined }
    const client = subject().newClient(once)
    await writeFile(path('in'), content)
    const calls: readonly (readonly [method: string, call: (client: CryptoOSS) => Promise<unknown>])[] = [
      ['PUT', (of) => of.put('a', content)],
      ['PUT', (of) => of.put('a', path('in'))],
      ['PUT', (of) => of.putStream('a', Readable.from([content]))],
      ['GET', (of) => of.get('a')],
      ['GET', (of) => of.get('a', path('out'))],
      ['GET', (of) => of.get('a', new PassThrough().resume())],
      ['GET', (of) => of.getStream('a')],
      ['HEAD', (of) => of.head('a')],
      ['DELETE', (of) => of.delete('a')],
      ['GET', (of) => of.list(null, {})],
      ['POST', (of) => of.deleteMulti(['a'])],
    ]
    await client.put('a', content)
    for (const [method, call] of calls) {
      emulator.injectFault({ kind: 'reset-before', method })
      const broken = { name: 'ResponseError', code: 'ResponseError', status: -1 }
      expect(await rejection(call(client))).toMatchObject(broken)
    }
    const nowhere = subject().newClient({ ...once, endpoint: 'http://localhost:1' })
    for (const [, call] of calls) {
      const notMade = { name: 'RequestError', code: 'RequestError', status: -1 }
      expect(await rejection(call(nowhere))).toMatchObject(notMade)
    }
  })

  test('the error of a failed part has its number', async () => {
    const { emulator, path } = bound(subject())
    const client = subject().newClient({ retryMax: 0, retry: undefined })
    for (const [kind, name, status] of [
      ['status-500', 'InternalErrorError', 500],
      ['reset-before', 'ResponseError', -1],
    ] as const) {
      emulator.injectFault({ kind, method: 'PUT', partNumber: 2, count: 100 })
      const error = await rejection(client.multipartUpload('a', random(4 * 102_400), { partSize: 102_400 }))
      expect(error).toMatchObject({
        name,
        status,
        partNum: 2,
        message: expect.stringMatching(/part_num: 2$/),
      })
      emulator.clearFaults()
    }
    expect(await rejection(client.put('a', path('none')))).not.toHaveProperty('partNum')
  })

  test('an agent that is set later is used', async () => {
    const { client } = subject()
    const used: string[] = []
    const agent = new Agent()
    const addRequest = Reflect.get(agent, 'addRequest') as (...given: unknown[]) => void
    Reflect.set(agent, 'addRequest', (request: ClientRequest, ...more: unknown[]) => {
      used.push(request.method)
      addRequest.call(agent, request, ...more)
    })
    Object.assign(client, { agent })
    await client.put('a', content)
    await client.get('a')
    await client.getStream('a').then(({ stream }) => stream.resume())
    await client.head('a')
    await client.multipartUpload('b', random(102_400))
    await client.list(null, {})
    expect(used).toEqual(['PUT', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'POST', 'GET'])
    agent.destroy()
  })

  test('metadata beyond ASCII', async () => {
    const { client, differs, requests } = bound(subject())
    const put = (value: string) => client.put('a', content, { meta: { title: value } })
    expect(await rejection(put('日本'))).toBeInstanceOf(Error)
    await put(encodeURIComponent('日本'))
    const before = requests().length
    const latin1 = await rejection(put('é'))
    if (differs('everywhere.ascii')) {
      expect({ code: latin1['code'], sent: requests().length - before }).toEqual({
        code: 'ERR_CSE_INVALID_ARGUMENT',
        sent: 0,
      })
    } else expect(latin1).toMatchObject({ code: 'SignatureDoesNotMatch' })
  })

  test('names that would change on the way', async () => {
    const { client, differs } = bound(subject())
    for (const name of ['a/../b', './a']) {
      const error = await rejection(client.put(name, content))
      if (differs('everywhere.keys')) expect(error).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
      else expect(error).toMatchObject({ code: 'SignatureDoesNotMatch' })
    }
  })

  test('an unusable target and an unusable body', async () => {
    const { client, path, differs } = bound(subject())
    await client.put('a', content)
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('the disk is full')) })
    const [missing, noBody, failing] = await Promise.all([
      rejection(client.get('a', path('none/out'))),
      rejection(client.put('a', 7 as never)),
      rejection(client.get('a', full)),
    ])
    if (differs('everywhere.local')) {
      const refused = { name: 'CseError', code: 'ERR_CSE_INVALID_ARGUMENT' }
      expect(missing).toMatchObject({ ...refused, cause: { code: 'ENOENT' } })
      expect(noBody).toMatchObject(refused)
      expect(failing['message']).toBe('the disk is full')
    } else {
      // Which of the two depends on whether the response or the failure arrives first.
      for (const { name } of [missing, failing]) expect(name).toMatch(/^(Unknown)?Error$/)
      expect(noBody['name']).toBe('TypeError')
    }
  })

  test('subresources', async () => {
    const { client, differs } = bound(subject())
    await client.put('a', content)
    const read = client.get('a', { subres: { 'response-content-type': 'text/x-test' } })
    if (differs('everywhere.subresources')) {
      expect(await rejection(read)).toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
    } else expect((await read).res.headers['content-type']).toBe('text/x-test')
  })

  test('methods that an app overrides', async () => {
    const { client, differs } = bound(subject())
    const called: string[] = []
    for (const name of ['request', 'putStream'] as const) {
      const before = client[name].bind(client) as (...args: unknown[]) => unknown
      Object.assign(client, {
        [name]: (...args: unknown[]) => {
          called.push(name)
          return before(...args)
        },
      })
    }
    await client.put('a', Readable.from([content]))
    expect(called).toEqual(differs('everywhere.calls') ? [] : ['putStream', 'request'])
    await client.list(null, {})
    expect(called.at(-1)).toBe('request')
  })

  test('a signal', async () => {
    const { client, differs } = bound(subject())
    const reason = new Error('the user has left')
    const signal = AbortSignal.abort(reason)
    await client.put('a', content)
    const calls: (() => Promise<unknown>)[] = [
      () => client.put('a', content, { signal }),
      () => client.putStream('a', Readable.from([content]), { signal }),
      () => client.get('a', { signal }),
      () => client.getStream('a', { signal }),
      () => client.head('a', { signal }),
      () => client.multipartUpload('a', random(102_400), { signal }),
      () => client.initMultipartUpload('a', { signal, dataSize: 5, partSize: 102_400 }),
    ]
    for (const call of calls) {
      if (differs('everywhere.signal')) expect(await rejection(call())).toBe(reason)
      else await call()
    }
  })

  test('lists, deletes, copies, tags, ACLs and links work as in ali-oss', async () => {
    const { client, emulator, differs } = bound(subject())
    await client.put('dir/a', content, { meta: { owner: 'ops' } })
    await client.put('dir/b', random(5))
    const listed = await client.list({ prefix: 'dir/', 'max-keys': 1 }, {})
    expect(listed).toMatchObject({ objects: [{ name: 'dir/a', size: 1000 }], isTruncated: true })
    const listedV2 = await client.listV2({ prefix: 'dir/' })
    expect(listedV2.objects.map(({ name, size }) => [name, size])).toEqual([
      ['dir/a', 1000],
      ['dir/b', 5],
    ])
    await client.copy('copy', 'dir/a')
    await client.copy('copy2', '/demo/dir/a')
    await client.copy('copy3', 'dir/a', 'demo')
    for (const name of ['copy', 'copy2', 'copy3']) expect((await client.get(name)).content).toEqual(content)
    expect(await rejection(client.copy('c', 'dir/a', { headers: { 'If-Match': '"0"' } }))).toMatchObject({
      code: 'PreconditionFailed',
    })
    await client.putObjectTagging('copy', { team: 'ops' })
    expect(await client.getObjectTagging('copy')).toMatchObject({ status: 200, tag: { team: 'ops' } })
    await client.putACL('copy', 'private')
    expect(await client.getACL('copy')).toMatchObject({ acl: 'private' })
    await client.putSymlink('link', 'dir/a')
    expect(await client.getSymlink('link')).toMatchObject({ targetName: 'dir/a' })
    expect((await client.get('link')).content).toEqual(content)
    const range = { headers: { Range: 'bytes=10-19' } }
    expect((await client.get('link', range)).content).toEqual(content.subarray(10, 20))
    expect((await client.getStream('link')).res.status).toBe(200)
    const { meta } = await client.head('link')
    expect(meta).toEqual(differs('head.link') ? { owner: 'ops' } : null)
    const { deleted } = await client.deleteMulti(['dir/b', 'copy2'])
    expect(deleted).toMatchObject([{ Key: 'dir/b' }, { Key: 'copy2' }])
    await client.delete('dir/a')
    expect(await emulator.getStoredObject('demo', 'dir/a')).toBeUndefined()
  })

  test('a URL for a download returns the stored bytes', async () => {
    const { client, emulator } = subject()
    await client.put('a b', content)
    const stored = Buffer.from((await emulator.getStoredObject('demo', 'a b'))?.bytes ?? [])
    for (const url of [
      client.signatureUrl('a b', { expires: 60 }),
      await client.asyncSignatureUrl('a b'),
      await client.signatureUrlV4('GET', 60, undefined, 'a b'),
    ]) {
      const response = await fetch(url)
      expect(Buffer.from(await response.arrayBuffer())).toEqual(stored)
    }
  })
}
