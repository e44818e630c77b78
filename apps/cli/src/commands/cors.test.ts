import { Readable } from 'node:stream'
import { EXPOSED_HEADERS } from '@oss-cse/crypto-core/internal'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import type { CorsConfiguration } from '@oss-cse/transport-oss'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTransport } from '../server/open-transport.ts'
import { MemoryServer, type Outcome, type RunOptions, run } from '../testing/shell.ts'

const APP = 'https://app.example'
const ORIGIN = ['--origin', APP]
const OTHER = {
  allowedOrigins: ['https://other.example'],
  allowedMethods: ['GET'],
  allowedHeaders: ['range'],
  exposeHeaders: ['etag'],
  maxAgeSeconds: 5,
}
const POOR = { ...OTHER, allowedOrigins: [APP], exposeHeaders: ['etag', 'x-custom'] }

let emulator: OssEmulator
const server = Object.assign(new MemoryServer(), { open: openTransport })

beforeAll(async () => {
  emulator = await startOssEmulator({ buckets: ['demo', 'fresh'] })
})
afterAll(() => emulator.close())

/** The settings of a transport, and of commands. */
const connection = () => {
  const { endpoint, region, accessKeyId, accessKeySecret } = emulator
  return { endpoint, region, accessKeyId, accessKeySecret }
}
const stored = async () => (await openTransport(connection(), 'demo')).getCors()
const store = async (configuration: CorsConfiguration) =>
  (await openTransport(connection(), 'demo')).putCors(configuration)

function cors(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { endpoint, accessKeyId, accessKeySecret } = emulator
  const env = {
    OSS_ENDPOINT: endpoint,
    OSS_ACCESS_KEY_ID: accessKeyId,
    OSS_ACCESS_KEY_SECRET: accessKeySecret,
  }
  return run(server, ['cors', ...argv], { env, ...options })
}

/** What a person on a terminal types. */
function typed(text: string): RunOptions {
  return { stdin: Object.assign(Readable.from([Buffer.from(text)]), { isTTY: true }) }
}

beforeEach(async () => {
  await store({ rules: [OTHER, POOR], responseVary: true })
  emulator.resetRequests()
})

describe('cors', () => {
  test('prints the rule without any request, credentials or bucket', async () => {
    const env = { OSS_ENDPOINT: '', OSS_ACCESS_KEY_ID: '', OSS_ACCESS_KEY_SECRET: '' }
    const argv = [...ORIGIN, 'http://localhost:*', '--metadata', 'colour', 'Size']
    const { code, stdout, stderr } = await cors(argv, { env })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.toString()).toBe(
      [
        'AllowedOrigin:  https://app.example, http://localhost:*',
        'AllowedMethod:  GET, PUT, POST, DELETE, HEAD',
        'AllowedHeader:  *',
        'MaxAgeSeconds:  600',
        'ExposeHeader:',
        ...EXPOSED_HEADERS,
        'x-oss-meta-colour',
        'x-oss-meta-size',
        '',
      ].join('\n'),
    )
    expect((await cors(['oss://demo', ...ORIGIN, '--json'], { env })).json()).toEqual({
      bucket: 'demo',
      rule: {
        allowedOrigins: [APP],
        allowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
        allowedHeaders: ['*'],
        exposeHeaders: EXPOSED_HEADERS,
        maxAgeSeconds: 600,
      },
    })
    expect(emulator.requests).toEqual([])
  })

  test.each([
    [[], '--origin'],
    [['--origin', `${APP}/`], `Write a scheme, a host and an optional port`],
    [['--origin', APP, 'oss://demo'], 'before the options'],
    [['oss://demo/a', ...ORIGIN], 'more than a bucket'],
    [['oss://demo', ...ORIGIN, '--set', '--check'], 'exclude each other'],
    [['oss://demo', ...ORIGIN, '--yes'], '--yes requires --set'],
    [[...ORIGIN, '--check'], 'needs the URL of the bucket'],
    [[...ORIGIN, '--set', '--yes'], 'needs the URL of the bucket'],
    [['oss://demo', ...ORIGIN, '--metadata', 'a b'], 'Invalid user metadata'],
    [['oss://demo', ...ORIGIN, '--metadata', 'client-side-encryption-key'], 'belongs to the encryption'],
  ])('%j is refused before any request', async (argv, reason) => {
    const { code, stderr } = await cors(argv)
    expect([code, stderr]).toEqual([2, expect.stringContaining(reason)])
    expect(emulator.requests).toEqual([])
  })
})

describe('cors --check', () => {
  test('says for each request what the rules lack, and exits with 3', async () => {
    const { code, stdout, stderr } = await cors(['oss://demo', ...ORIGIN, '--check'])
    const hidden = EXPOSED_HEADERS.filter((name) => name !== 'etag').join(', ')
    expect(stdout.toString()).toBe(
      [
        `${APP}: GET: no rule allows all request headers (AllowedHeader *)`,
        `${APP}: GET: not exposed: ${hidden}`,
        `${APP}: no rule allows PUT, POST, DELETE, HEAD`,
        '',
      ].join('\n'),
    )
    expect([code, stderr]).toEqual([3, expect.stringContaining('with --set in place of --check')])
    expect(emulator.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  test('--json has the same as fields', async () => {
    const { code, json } = await cors([
      'oss://demo',
      '--origin',
      'https://third.example',
      '--check',
      '--json',
    ])
    expect(code).toBe(3)
    expect(json()).toMatchObject({
      bucket: 'demo',
      sufficient: false,
      missing: [{ origin: 'https://third.example', methods: expect.any(Array), lacks: 'method' }],
      rule: { allowedOrigins: ['https://third.example'] },
    })
  })

  test('of a bucket that does not exist exits with 4', async () => {
    expect((await cors(['oss://missing', ...ORIGIN, '--check'])).code).toBe(4)
  })
})

describe('cors --set', () => {
  test('adds the rule before the others, and --check is then satisfied', async () => {
    const argv = ['oss://demo', ...ORIGIN, '--metadata', 'colour']
    const { code, json } = await cors([...argv, '--set', '--yes', '--json'])
    const rule = {
      allowedOrigins: [APP],
      allowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
      allowedHeaders: ['*'],
      // A page could read x-custom before.
      exposeHeaders: [...EXPOSED_HEADERS, 'x-oss-meta-colour', 'x-custom'],
      maxAgeSeconds: 600,
    }
    expect([code, json()]).toEqual([0, { bucket: 'demo', changed: true, ruleCount: 2, rule }])
    expect(await stored()).toEqual({ rules: [rule, OTHER], responseVary: true })
    const check = await cors([...argv, '--check'])
    expect([check.code, check.stderr]).toEqual([0, expect.stringContaining('allow all')])
    expect((await cors([...argv, '--check', '--json'])).json()).toMatchObject({
      sufficient: true,
      missing: [],
    })
    expect((await cors([...argv, 'size', '--check'])).stdout.toString()).toContain(
      'not exposed: x-oss-meta-size\n',
    )
  })

  test('changes nothing if nothing is missing, and does not ask then', async () => {
    await cors(['oss://demo', ...ORIGIN, '--set', '--yes'])
    const before = await stored()
    emulator.resetRequests()
    const { code, stderr } = await cors(['oss://demo', ...ORIGIN, '--set'])
    expect([code, stderr]).toEqual([0, expect.stringContaining('Nothing was missing')])
    expect(emulator.requests.map(({ method }) => method)).toEqual(['GET'])
    expect(await stored()).toEqual(before)
  })

  test('adds the first rule of a bucket, which then counts', async () => {
    await cors(['oss://fresh', ...ORIGIN, '--set', '--yes'])
    const response = await fetch(`${emulator.endpoint}/fresh/a`, { headers: { origin: APP } })
    expect(response.headers.get('access-control-expose-headers')).toContain('x-oss-hash-crc64ecma')
  })

  test('shows the rule and asks, and only yes sets it', async () => {
    const argv = ['oss://demo', ...ORIGIN, '--set']
    const no = await cors(argv, typed('no\n'))
    expect([no.code, no.stderr]).toEqual([1, expect.stringContaining('Nothing was done.')])
    expect(no.stderr).toContain(
      'Other rules that stay: 1. Rules that can no longer apply, and are removed: 1.',
    )
    expect((await stored()).rules).toEqual([OTHER, POOR])
    expect((await cors(argv, typed('yes\n'))).code).toBe(0)
    expect((await stored()).rules).toHaveLength(2)
  })

  test('without a terminal and --yes changes nothing', async () => {
    const { code, stderr } = await cors(['oss://demo', ...ORIGIN, '--set'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('Give --yes')])
    expect((await stored()).rules).toEqual([OTHER, POOR])
  })

  test('is refused if the bucket has as many other rules as OSS takes', async () => {
    await store({ rules: Array.from({ length: 20 }, () => OTHER), responseVary: false })
    const { code, stderr } = await cors(['oss://demo', ...ORIGIN, '--set', '--yes'])
    expect([code, stderr]).toEqual([3, expect.stringContaining('OSS takes 20')])
    expect((await stored()).rules).toHaveLength(20)
  })
})
