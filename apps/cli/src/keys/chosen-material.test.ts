import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryServer, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())
writeFileSync(join(directory.path, 'in'), 'hello')

const RSA = ['--rsa-private-key', 'x.pem']
const LOCAL = ['--local-rsa-dir', 'keys']
const KMS = ['--kms-key-id', 'id']

/** Puts a file; nothing may come of it. */
async function refused(keys: readonly string[], env: Record<string, string | undefined> = {}) {
  const server = new MemoryServer()
  const { code, stderr } = await run(server, ['put', join(directory.path, 'in'), 'oss://demo/a', ...keys], {
    env,
  })
  expect(server.buckets.size, 'a bucket was opened').toBe(0)
  expect(existsSync('keys')).toBe(false)
  return [code, stderr]
}

describe('the options of a master key', () => {
  test.each([
    [[...RSA, ...LOCAL], '--rsa-private-key and --local-rsa-dir cannot be used together'],
    [[...RSA, ...KMS], '--rsa-private-key and --kms-key-id cannot be used together'],
    [[...LOCAL, ...KMS], '--local-rsa-dir and --kms-key-id cannot be used together'],
    [[...KMS, '--keyring', 'k.json'], '--keyring and --kms-key-id cannot be used together'],
    [[...LOCAL, '--keyring', 'k.json'], '--keyring and --local-rsa-dir cannot be used together'],
    [['--kms-region', 'cn-a', '--keyring', 'k.json'], '--keyring and --kms-region cannot be used together'],
    [['--local-rsa-prefix', 'a'], '--local-rsa-prefix requires --local-rsa-dir.'],
    [['--local-rsa-passphrase-env', 'P', ...RSA], '--local-rsa-passphrase-env requires --local-rsa-dir.'],
    [['--local-rsa-format', 'v1'], '--local-rsa-format requires --local-rsa-dir.'],
    [['--kms-region', 'cn-a'], '--kms-region requires --kms-key-id.'],
    [['--kms-endpoint', 'http://localhost:1', ...RSA], '--kms-endpoint requires --kms-key-id.'],
    [['--kms-passphrase-env', 'P'], '--kms-passphrase-env requires --kms-key-id.'],
    [['--kms-encoding', 'oss2'], '--kms-encoding requires --kms-key-id.'],
    [['--kms-context', '{}'], '--kms-context requires --kms-key-id.'],
    [[...LOCAL, '--matdesc', '{}'], '--matdesc and --local-rsa-dir cannot be used together'],
    [[...KMS, '--matdesc', '7'], '--matdesc is not a JSON object of strings'],
    [[...KMS, '--kms-context', '{"a":1}'], '--kms-context is not a JSON object of strings'],
    [['--kms-key-id='], '--kms-key-id is empty'],
    [['--local-rsa-dir='], '--local-rsa-dir is empty'],
    [[...KMS, '--kms-encoding', 'base64'], 'Allowed choices are blob, oss2'],
    [[...LOCAL, '--local-rsa-format', 'v3'], 'Allowed choices are v1, v2'],
  ])('%j exits 2 before any request', async (keys, message) => {
    expect(await refused(keys)).toEqual([2, expect.stringContaining(message)])
  })

  test.each([
    [[...KMS, '--kms-region', 'CN'], 'KMS key "id": --kms-region is missing or malformed'],
    [
      [...KMS, '--kms-endpoint', 'http://localhost/path'],
      'KMS key "id": --kms-endpoint (or OSS_CSE_KMS_ENDPOINT) must be the host',
    ],
    [
      [...KMS, '--kms-region', 'cn-a', '--kms-endpoint', 'kms.cn-b.aliyuncs.com'],
      '--kms-region is cn-a, but --kms-endpoint (or OSS_CSE_KMS_ENDPOINT) is in cn-b',
    ],
    [
      ['--kms-key-id', 'acs:kms:cn-b:1:key/id', '--kms-region', 'cn-a'],
      'the key is in cn-b, but its region is set to cn-a. Set --kms-region to cn-b.',
    ],
    [
      [...KMS, '--kms-region', 'cn-a', '--kms-passphrase-env', 'P'],
      'variable P is not set. Set it to the passphrase.',
    ],
    [[...LOCAL, '--local-rsa-passphrase-env', 'P'], 'variable P is not set. Set it to the passphrase.'],
    [LOCAL, 'There is no keys/.private_key.pem and no keys/.public_key.pem'],
  ])('%j exits 3 before any request', async (keys, message) => {
    expect(await refused(keys)).toEqual([3, expect.stringContaining(message)])
  })

  test('a key in KMS has the region of its option or of OSS, and a local endpoint needs none', async () => {
    const asked = async (argv: readonly string[], env: Record<string, string | undefined>) => {
      const encrypt = [
        'encrypt',
        join(directory.path, 'in'),
        '-o',
        '-',
        '--meta-out',
        join(directory.path, 'meta'),
      ]
      // Nobody listens there. The error has the region and the endpoint of the request.
      const { stderr } = await run(new MemoryServer(), [...encrypt, ...KMS, ...argv], { env })
      return / in (\S+) .*failed|Missing: (the region of KMS)/.exec(stderr)?.slice(1).find(Boolean)
    }
    const there = ['--kms-endpoint', 'http://127.0.0.1:1']
    expect(await asked(there, { OSS_REGION: 'oss-cn-beijing' })).toContain('cn-beijing')
    expect(await asked([...there, '--kms-region', 'cn-shanghai'], { OSS_REGION: 'cn-beijing' })).toContain(
      'cn-shanghai',
    )
    expect(await asked([], { OSS_CSE_KMS_ENDPOINT: 'http://127.0.0.1:1' })).toContain('cn-hangzhou')
    expect(await asked(['--kms-endpoint', 'https://kms.example'], {})).toBe('the region of KMS')
    expect(await asked([], {})).toBe('the region of KMS')
  })
})
