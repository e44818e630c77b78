import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import OSS from 'ali-oss'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CryptoOSS } from '../src/index.ts'
import { EVERYWHERE, METHODS, type MethodTreatment, SEALED } from './method-table.ts'
import { rejection, Subject } from './subject.ts'

const PAGE = fileURLToPath(new URL('../../../docs/ALI_OSS_METHODS.md', import.meta.url))
const rows = Object.entries(METHODS)
const named = (treatment: string): string[] =>
  rows.filter(([, method]) => method.treatment === treatment).map(([name]) => name)

function publicNames(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => !/^(_|constructor$)/.test(name))
}

/** The methods of the drop-in that ali-oss does not have. */
function ownNames(): string[] {
  const names: string[] = []
  for (let prototype: object = CryptoOSS.prototype; prototype !== OSS.prototype; ) {
    names.push(...publicNames(prototype))
    prototype = Object.getPrototypeOf(prototype)
  }
  return names
}

let subject: Subject
beforeEach(async () => {
  subject = await Subject.start('CryptoOSS')
})
afterEach(() => subject.end())

test('the table has each public method of the installed ali-oss, and no other', () => {
  expect(rows.map(([name]) => name).sort()).toEqual(publicNames(OSS.prototype).sort())
})

test('the other properties of ali-oss are known', () => {
  expect(Object.keys(OSS).sort()).toEqual(['ClusterClient', 'ImageClient', 'STS', 'initOptions'])
  expect(CryptoOSS.STS).toBe(OSS.STS)
  for (const name of ['ClusterClient', 'ImageClient'] as const) {
    expect(() => CryptoOSS[name]).toThrow(expect.objectContaining({ code: 'ERR_CSE_OPERATION_REFUSED' }))
  }
})

test('the methods that the drop-in adds have no names of ali-oss', () => {
  const added = ownNames().filter((name) => !(name in METHODS))
  expect(added.sort()).toEqual(['getByUrl', 'getStreamByUrl'])
})

test('each encrypted and each refused method is one of the drop-in', () => {
  const own = ownNames()
  expect([...named('encrypted'), ...named('refused')].filter((name) => !own.includes(name))).toEqual([])
})

test('a method that is passed through is the method of ali-oss, or the table states the difference', () => {
  const changed = named('passed through').filter(
    (name) => Reflect.get(CryptoOSS.prototype, name) !== Reflect.get(OSS.prototype, name),
  )
  expect(changed).toEqual(['copy', 'signatureUrl', 'asyncSignatureUrl', 'signatureUrlV4', 'request'])
  for (const name of changed) expect(rows.find(([row]) => row === name)?.[1].notes).not.toEqual([])
})

test.each(named('refused'))(
  '%s is refused before any request, and the error says what to do instead',
  async (name) => {
    const method = Reflect.get(subject.client, name) as (...args: unknown[]) => unknown
    const error = await rejection((async () => method.call(subject.client, 'a', 'b', {}, {}, {}))())
    expect(error).toMatchObject({ name: 'CseError', code: 'ERR_CSE_OPERATION_REFUSED' })
    const [why = ''] = rows.find(([row]) => row === name)?.[1].notes ?? []
    expect(String(error['message']).toLowerCase()).toContain(why.toLowerCase())
    expect(subject.requests).toEqual([])
  },
)

describe('a method that is passed through refuses', () => {
  test.each([
    ['meta', { meta: { owner: 'ops' } }],
    ['empty meta', { meta: {} }],
    ['a Content-Type', { headers: { 'Content-Type': 'text/plain' } }],
    ['a Cache-Control', { headers: { 'cache-control': 'no-store' } }],
    ['metadata in headers', { headers: { 'x-oss-meta-owner': 'ops' } }],
    ['the directive', { headers: { 'x-oss-metadata-directive': 'REPLACE' } }],
  ])('a copy with %s', async (_, options) => {
    for (const copy of [
      () => subject.client.copy('b', 'a', options as never),
      () => subject.client.copy('b', 'a', 'demo', options as never),
    ]) {
      expect(await rejection(copy())).toMatchObject({ code: 'ERR_CSE_OPERATION_REFUSED' })
    }
    expect(subject.requests).toEqual([])
  })

  test('a copy with subresources, which may be another operation', async () => {
    for (const [subres, reason] of [
      [{ partNumber: 1, uploadId: 'x' }, 'ERR_CSE_INVALID_ARGUMENT'],
      [{ 'x-oss-process': 'image/resize,w_200' }, 'ERR_CSE_OPERATION_REFUSED'],
    ] as const) {
      const copy = subject.client.copy('b', 'a', { subres } as never)
      expect(await rejection(copy)).toMatchObject({ code: reason })
    }
    expect(subject.requests).toEqual([])
  })

  test('no copy with missing headers', async () => {
    await subject.client.put('a', Buffer.of(1), { meta: { owner: 'ops' } })
    const headers = { 'Content-Type': undefined, 'Cache-Control': null }
    await subject.client.copy('b', 'a', { headers } as never)
    expect(await subject.client.head('b')).toMatchObject({ meta: { owner: 'ops' } })
    expect((await subject.client.get('b')).content).toEqual(Buffer.of(1))
  })

  test('a URL that uploads, and a POST policy, unless the client allows them', async () => {
    const ciphertext = subject.newClient({ presignedUploads: 'ciphertext' })
    const policy = { expiration: '2030-01-01T00:00:00.000Z', conditions: [] }
    const signings: ((client: CryptoOSS) => unknown)[] = [
      (client) => client.signatureUrl('a', { method: 'PUT' }),
      (client) => client.signatureUrl('a', { method: 'put' as never }),
      (client) => client.signatureUrl('a', { method: 'POST' }),
      (client) => client.asyncSignatureUrl('a', { method: 'PUT' }),
      (client) => client.signatureUrlV4('PUT', 60, {}, 'a'),
      (client) => client.calculatePostSignature(policy),
      (client) => client.signPostObjectPolicyV4(policy, new Date()),
    ]
    for (const sign of signings) {
      const refused = await rejection((async () => sign(subject.client))())
      expect(refused).toMatchObject({ code: 'ERR_CSE_OPERATION_REFUSED' })
      expect(await sign(ciphertext)).toBeTruthy()
    }
    expect(subject.client.signatureUrl('a', { method: 'DELETE' })).toContain('Signature=')
  })

  test('a URL that processes', async () => {
    const process = 'image/resize,w_200'
    for (const sign of [
      () => subject.client.signatureUrl('a', { process }),
      () => subject.client.signatureUrl('a', { subResource: { 'x-oss-process': process } }),
      () => subject.client.asyncSignatureUrl('a', { process }),
      () => subject.client.signatureUrlV4('GET', 60, { queries: { 'x-oss-process': process } }, 'a'),
    ]) {
      expect(await rejection((async () => sign())())).toMatchObject({ code: 'ERR_CSE_OPERATION_REFUSED' })
    }
  })
})

test('docs/ALI_OSS_METHODS.md has the table', async () => {
  const page = readFileSync(PAGE, 'utf8')
  const sections = {
    methods: table(),
    sealed: sealedTable(),
    everywhere: list(Object.values(EVERYWHERE)),
  }
  const written = Object.entries(sections).reduce((text, [name, body]) => replaced(text, name, body), page)
  await expect(written).toMatchFileSnapshot(PAGE)
})

function table(): string {
  const noted = (method: MethodTreatment): string =>
    [...method.notes, ...Object.values(method.differences)].join(' ')
  const section = (treatment: string, heading: string): string => {
    const of = rows.filter(([, method]) => method.treatment === treatment)
    const body = of.filter(([, method]) => noted(method) !== '')
    const others = of.filter(([, method]) => noted(method) === '').map(([name]) => `\`${name}\``)
    return [
      `### ${treatment.charAt(0).toUpperCase()}${treatment.slice(1)}`,
      '',
      `| method | ${heading} |`,
      '| --- | --- |',
      ...body.map(([name, method]) => `| \`${name}\` | ${noted(method)} |`),
      ...(others.length > 0 ? ['', `And with nothing to add: ${others.join(', ')}.`] : []),
    ].join('\n')
  }
  return [
    section('encrypted', 'what is different'),
    section('refused', 'why, and what to do instead'),
    section('passed through', 'what to know'),
  ].join('\n\n')
}

function sealedTable(): string {
  return [
    '| method | with sealed objects |',
    '| --- | --- |',
    ...Object.entries(SEALED).map(([name, note]) => `| \`${name}\` | ${note} |`),
  ].join('\n')
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join('\n')
}

function replaced(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)]
  if (start === -1 || stop < start) throw new Error(`The page has no ${begin} … ${end}.`)
  return `${page.slice(0, start + begin.length)}\n\n${text}\n\n${page.slice(stop)}`
}
