import { type Envelope, Keyring } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decryptResults, ephemeralKey } from '../src/response-key.ts'
import type { KeyServerFailure } from '../src/server.ts'
import { connectSites, headersOf, KeySite } from './support/key-site.ts'
import { sealedHeader, sealedSite } from './support/sealed-site.ts'

const UNWRAP_FAILED = expect.objectContaining({ code: 'ERR_CSE_UNWRAP_FAILED' })
const HEADERS = { 'content-type': 'application/json', 'oss-cse-key-request': '1' }
const encrypting = createTestProvider()
const keyring = new Keyring({ encrypting })
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const unbase64 = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

beforeAll(connectSites)

/** Alice owns `alice/`, Bob owns `bob/`. Each may have the keys below their own prefix, and no other. */
function site() {
  const failures: KeyServerFailure[] = []
  const asked: string[] = []
  const made = new KeySite(encrypting, {
    authorize(request, { key }) {
      asked.push(key)
      const user = request.headers.get('x-user') ?? ''
      return user !== '' && key.startsWith(`${user}/`) ? user : undefined
    },
    onFailure: (failure) => failures.push(failure),
  })
  const as = (user: string) => made.provider({ headers: () => ({ 'x-user': user }) })
  return { site: made, failures, asked, alice: as('alice'), bob: as('bob'), nobody: made.provider() }
}

let bobs: { readonly envelope: Envelope; readonly contentKey: { readonly cek: Uint8Array } }
let world: ReturnType<typeof site>

beforeEach(async () => {
  world = site()
  bobs = await keyring.generate()
  await world.site.store(bobs.envelope, 'bob/diary')
})

/** All that a server ever sent must not hold a key, in any form that it may have. */
async function expectNoKeyOf(attempt: Promise<unknown>): Promise<void> {
  const error = await attempt.then(
    () => expect.unreachable('a key was returned'),
    (thrown: unknown) => thrown,
  )
  expect(error).toEqual(UNWRAP_FAILED)
}

describe('Alice does not get the key of Bob’s object', () => {
  test('by its name', async () => {
    const { alice, bob, site } = world
    await expectNoKeyOf(alice.unwrap(bobs.envelope, { object: { key: 'bob/diary' } }))
    expect(site.transport.requests).toEqual([])
    await expect(bob.unwrap(bobs.envelope, { object: { key: 'bob/diary' } })).resolves.toEqual(
      bobs.contentKey,
    )
  })

  test('by his envelope with the name of her own object, which is compared with what is stored', async () => {
    const { alice, site } = world
    await site.store((await keyring.generate()).envelope, 'alice/photo')
    await expect(alice.unwrap(bobs.envelope, { object: { key: 'alice/photo' } })).rejects.toMatchObject({
      code: 'ERR_CSE_PRECONDITION_FAILED',
    })
  })

  test('by his envelope with a name that is not there', async () => {
    await expectNoKeyOf(world.alice.unwrap(bobs.envelope, { object: { key: 'alice/nothing' } }))
  })

  test.each([
    'alice/../bob/diary',
    'alice/./../bob/diary',
    'alice/..\\bob\\diary',
    'alice/x/../../bob/diary',
    '/alice/../bob/diary',
    'alice/..',
    'alice//../bob/diary',
  ])('by the name %j: nothing is read, and `authorize` does not see it', async (key) => {
    await expectNoKeyOf(world.alice.unwrap(bobs.envelope, { object: { key } }))
    expect(world.site.transport.requests).toEqual([])
    expect(world.asked).toEqual([])
  })

  test.each([
    'alice/%2e%2e/bob/diary',
    'alice/..%2fbob/diary',
    'alice/\u0000/bob/diary',
    'alice/?bob/diary',
    'alice/#/bob/diary',
    'alice/\u202ebob/diary',
    'alice/bob/diary',
  ])('by the name %j, which is read as it is', async (key) => {
    await expectNoKeyOf(world.alice.unwrap(bobs.envelope, { object: { key } }))
    expect(world.site.transport.requests.map((request) => request.key)).toEqual([key])
  })

  test.each(['', 'alice/\ud800', `alice/${'a'.repeat(1018)}`, `alice/${'ü'.repeat(512)}`])(
    'by a name that no object has (%#)',
    async (key) => {
      const { alice, site } = world
      const error = await alice.unwrap(bobs.envelope, { object: { key } }).catch((thrown: unknown) => thrown)
      expect(error).toEqual(UNWRAP_FAILED)
      expect(site.transport.requests).toEqual([])
    },
  )

  test('by the name of another bucket', async () => {
    const { alice, site } = world
    const location = 'https://oss-cn-hangzhou.aliyuncs.com/bobs-bucket'
    await expectNoKeyOf(alice.unwrap(bobs.envelope, { object: { location, key: 'alice/diary' } }))
    expect(site.transport.requests).toMatchObject([{ operation: 'head', key: 'alice/diary' }])
  })

  test('by a version of it', async () => {
    await expectNoKeyOf(world.alice.unwrap(bobs.envelope, { object: { key: 'alice/x', versionId: 'bob' } }))
  })

  test('as part of a call with her own objects', async () => {
    const { alice, site } = world
    const own = await keyring.generate()
    await site.store(own.envelope, 'alice/photo')
    const [first, second, third] = await Promise.allSettled([
      alice.unwrap(own.envelope, { object: { key: 'alice/photo' } }),
      alice.unwrap(bobs.envelope, { object: { key: 'bob/diary' } }),
      alice.unwrap(own.envelope, { object: { key: 'alice/photo' } }),
    ])
    expect(first).toEqual({ status: 'fulfilled', value: own.contentKey })
    expect(second).toEqual({ status: 'rejected', reason: UNWRAP_FAILED })
    expect(third).toEqual(first)
    expect(site.calls).toHaveLength(1)
  })

  test('by a link to it', async () => {
    const { alice, site } = world
    site.transport.links.set('alice/link', 'bob/diary')
    await expectNoKeyOf(alice.unwrap(bobs.envelope, { object: { key: 'alice/link' } }))
  })
})

describe('a stranger who sends what a page would send', () => {
  let bodyOf: (call: Request) => Promise<{ readonly requests: readonly object[] }>

  beforeEach(() => {
    const { site } = world
    const { respond } = site
    const bodies = new Map<Request, ReturnType<typeof bodyOf>>()
    site.respond = (request) => {
      bodies.set(request, request.clone().json())
      return respond(request)
    }
    bodyOf = (call) => bodies.get(call) ?? expect.unreachable()
  })

  /** A call of Bob's, with a key of the stranger's in place of that of Bob's page. */
  const callOfBob = async () => {
    const { site, bob } = world
    await bob.unwrap(bobs.envelope, { object: { key: 'bob/diary' } })
    const { requests } = await bodyOf(site.calls.at(-1) ?? expect.unreachable())
    const own = await ephemeralKey()
    return { own, body: { version: 1, publicKey: base64(own.publicKey), requests } }
  }

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    new Request(world.site.url, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: JSON.stringify(body),
    })

  test('gets nothing without a session', async () => {
    const { site } = world
    const { body, own } = await callOfBob()
    const before = site.transport.requests.length
    const response = await site.respond(post(body))
    expect(await resultsIn(response, own)).toEqual([{ error: 'refused' }])
    expect(site.transport.requests).toHaveLength(before)
  })

  test('cannot read the response to a call that was recorded and is sent again', async () => {
    const { site, bob } = world
    const recorded: { request: Request; response: string }[] = []
    const { respond } = site
    site.respond = async (request) => {
      const copy = request.clone()
      const response = await respond(request)
      recorded.push({ request: copy, response: await response.clone().text() })
      return response
    }
    await bob.unwrap(bobs.envelope, { object: { key: 'bob/diary' } })
    const [{ request, response } = expect.unreachable()] = recorded
    const again = await site.respond(request.clone())
    const texts = [response, await again.text()]
    // For the same question, and with the same key of the page, each response is encrypted under another key.
    expect(texts[0]).not.toBe(texts[1])
    const thief = await ephemeralKey()
    for (const text of texts) {
      const { publicKey, ciphertext } = JSON.parse(text)
      await expect(decryptResults(unbase64(ciphertext), unbase64(publicKey), thief)).rejects.toThrow()
    }
    // Another key of the page in its place needs the session, which a recording without headers does not have.
    const { publicKey: _page, ...rest } = await request.json()
    const stolen = await site.respond(post({ ...rest, publicKey: base64(thief.publicKey) }))
    expect(await resultsIn(stolen, thief)).toEqual([{ error: 'refused' }])
  })

  test('cannot send more than 100 requests in one call', async () => {
    const { site } = world
    const { body } = await callOfBob()
    const requests = Array(101).fill(body.requests[0])
    const response = await site.respond(post({ ...body, requests }, { 'x-user': 'bob' }))
    expect(response.status).toBe(400)
  })

  test('gets one and the same response, whatever the reason of the refusal', async () => {
    const { site, failures } = world
    const damaged = { ...bobs.envelope, wrappedCek: btoa('x'.repeat(40)) }
    const foreign = await new Keyring({
      encrypting: createTestProvider({ seed: 2, wrapAlgorithm: 'TEST/OTHER' }),
    }).generate()
    await site.transport.plant('bob/plain', new Uint8Array(10))
    await site.transport.plant('bob/broken', new Uint8Array(), {
      'x-oss-meta-client-side-encryption-key': 'AAAA',
    })
    const attempts: readonly (readonly [key: string, stored: Envelope | undefined])[] = [
      ['bob/damaged', damaged],
      ['bob/damaged-iv', { ...bobs.envelope, wrappedIv: btoa('y'.repeat(24)) } as Envelope],
      ['bob/no-base64', { ...bobs.envelope, wrappedCek: '*' }],
      ['bob/foreign', foreign.envelope],
      ['bob/plain', undefined],
      ['bob/broken', undefined],
      ['bob/missing', undefined],
      ['alice/not-his', undefined],
      ['bob/../alice/not-his', undefined],
    ]
    const responses = new Set<string>()
    for (const [key, stored] of attempts) {
      if (stored !== undefined) await site.store(stored, key)
      const page = world.bob
      await expectNoKeyOf(page.unwrap(stored ?? damaged, { object: { key } }))
      const call = site.calls.at(-1) ?? expect.unreachable()
      const { requests } = await bodyOf(call)
      const own = await ephemeralKey()
      const body = { version: 1, publicKey: base64(own.publicKey), requests }
      const response = await site.respond(post(body, { 'x-user': 'bob' }))
      const headers = JSON.stringify([...response.headers])
      responses.add(`${response.status} ${headers} ${JSON.stringify(await resultsIn(response, own))}`)
    }
    expect([...responses]).toEqual([expect.stringContaining('[{"error":"refused"}]')])
    // The operator learns each of them twice.
    expect(new Set(failures.map(({ error }) => (error as { code: string }).code)).size).toBeGreaterThan(4)
  })
})

describe('Alice, who may write objects, gives one of hers the envelope of Bob’s', () => {
  test('and gets his key: the envelope does not say whose it is. Let her not read what is stored of his', async () => {
    const { site, alice } = world
    await site.store(bobs.envelope, 'alice/copy')
    await expect(alice.unwrap(bobs.envelope, { object: { key: 'alice/copy' } })).resolves.toEqual(
      bobs.contentKey,
    )
  })

  test('and gets nothing where objects are sealed, and the key server compares the context', async () => {
    const { site, envelope, contentKey, unwrap } = await sealedSite((key) => key)
    const sealed = site.transport.objects.get('a')?.bytes ?? new Uint8Array()
    await site.transport.plant('alice/copy', sealed, headersOf(envelope))
    expect(await unwrap('alice/copy')).toEqual(UNWRAP_FAILED)
    // What she sealed herself under her own key has another header.
    const hers = await sealedHeader((await keyring.generate()).contentKey, 'alice/copy')
    await site.transport.plant(
      'alice/copy',
      Uint8Array.of(...hers, ...sealed.subarray(40)),
      headersOf(envelope),
    )
    expect(await unwrap('alice/copy')).toEqual(UNWRAP_FAILED)
    expect(await unwrap('a')).toEqual(contentKey)
  })
})

test('what the operator is told holds no content key', async () => {
  const { site, alice, bob, failures } = world
  await site.transport.plant('bob/diary', new Uint8Array(), {
    ...headersOf(bobs.envelope),
    'x-oss-meta-client-side-encryption-start': btoa('z'.repeat(24)),
  })
  await bob.unwrap(bobs.envelope, { object: { key: 'bob/diary' } }).catch(() => {})
  await alice.unwrap(bobs.envelope, { object: { key: 'bob/diary' } }).catch(() => {})
  expect(failures).toHaveLength(2)
  const shown = failures.map((failure) => `${JSON.stringify(failure)} ${String(failure.error)}`).join()
  expect(shown).not.toContain(base64(bobs.contentKey.cek))
  expect(shown).not.toContain(bobs.envelope.wrappedCek)
})

async function resultsIn(
  response: Response,
  own: Awaited<ReturnType<typeof ephemeralKey>>,
): Promise<unknown> {
  const { publicKey, ciphertext } = await response.json()
  const text = await decryptResults(unbase64(ciphertext), unbase64(publicKey), own)
  return JSON.parse(new TextDecoder().decode(text)).results
}
