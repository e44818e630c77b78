import { describe, expect, test } from 'vitest'
import { MemoryServer, run } from '../testing/shell.ts'

const NOTHING = { OSS_ENDPOINT: undefined, OSS_ACCESS_KEY_ID: undefined, OSS_ACCESS_KEY_SECRET: undefined }

async function config(argv: readonly string[], env: Record<string, string | undefined> = {}) {
  const server = new MemoryServer()
  const { code, stderr } = await run(server, ['ls', 'oss://demo', ...argv], { env })
  return { code, stderr, config: server.config }
}

describe('server options', () => {
  test('the error names everything that is missing, with its option and its variable', async () => {
    const { code, stderr } = await config([], NOTHING)
    expect(code).toBe(3)
    for (const name of ['--region', 'OSS_REGION', 'OSS_ACCESS_KEY_ID', 'OSS_ACCESS_KEY_SECRET']) {
      expect(stderr).toContain(name)
    }
  })

  test('without an endpoint, the region’s public endpoint is used', async () => {
    const { code, config: server } = await config(['--region', 'cn-beijing'], { OSS_ENDPOINT: undefined })
    expect(code).toBe(0)
    expect(server?.region).toBe('cn-beijing')
    expect(server).not.toHaveProperty('endpoint')
  })

  test('an empty variable counts as missing', async () => {
    const { code, stderr } = await config([], { OSS_ACCESS_KEY_SECRET: '' })
    expect([code, stderr]).toEqual([3, expect.stringContaining('OSS_ACCESS_KEY_SECRET')])
  })

  test('a local endpoint needs no region, any other does', async () => {
    for (const endpoint of ['http://localhost:7', 'http://127.0.0.1:7', 'https://localhost:7']) {
      expect((await config(['--endpoint', endpoint])).config?.region).toBe('cn-hangzhou')
    }
    for (const endpoint of ['https://oss-cn-beijing.aliyuncs.com', 'http://localhost.example.org']) {
      const { code, stderr } = await config(['--endpoint', endpoint])
      expect([code, stderr]).toEqual([3, expect.stringContaining('--region or OSS_REGION')])
    }
  })

  test.each([
    [['--endpoint', 'localhost:9000'], {}],
    [[], { OSS_ENDPOINT: '127.0.0.1:9000' }],
  ])('a local endpoint without a scheme exits 3: %j %j', async (argv, env) => {
    const { code, stderr, config: server } = await config(argv, env)
    expect([code, server]).toEqual([3, undefined])
    expect(stderr).toMatch(/--endpoint or OSS_ENDPOINT.*Begin it with http:\/\/ or https:\/\//)
  })

  test('blank credentials count as missing', async () => {
    const { code, stderr } = await config([], { OSS_ACCESS_KEY_ID: ' ' })
    expect([code, stderr]).toEqual([3, expect.stringContaining('OSS_ACCESS_KEY_ID')])
  })

  test('options override variables', async () => {
    const env = { OSS_ENDPOINT: 'https://a.example', OSS_REGION: 'cn-a', OSS_SESSION_TOKEN: 'token' }
    expect((await config([], env)).config).toEqual({
      endpoint: 'https://a.example',
      region: 'cn-a',
      accessKeyId: 'id',
      accessKeySecret: 'secret of the access key',
      securityToken: 'token',
    })
    const argv = [
      '--endpoint',
      'https://b.example',
      '--region=cn-b',
      '--addressing',
      'cname',
      '--signature',
      'v1',
    ]
    expect((await config(argv, env)).config).toMatchObject({
      endpoint: 'https://b.example',
      region: 'cn-b',
      addressing: 'cname',
      signature: 'v1',
    })
  })

  test.each([
    ['--addressing', 'host'],
    ['--signature', 'v2'],
  ])('%s %s exits 2', async (...argv) => {
    expect((await config(argv)).code).toBe(2)
  })
})
