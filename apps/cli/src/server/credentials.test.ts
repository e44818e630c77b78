import { startOssEmulator } from '@oss-cse/oss-emulator'
import { describe, expect, test, vi } from 'vitest'
import { MemoryServer, type RunOptions, run } from '../testing/shell.ts'
import { noCredentials } from './credentials.ts'
import { openTransport } from './open-transport.ts'

const UNSET = { OSS_ACCESS_KEY_ID: undefined, OSS_ACCESS_KEY_SECRET: undefined }
const chainOf = (getCredential: () => Promise<{ accessKeyId: string; accessKeySecret: string }>) => ({
  getCredential: vi.fn<typeof getCredential>(getCredential),
})
const fixed = () => chainOf(async () => ({ accessKeyId: 'chain', accessKeySecret: 'secret' }))

async function ls(options: RunOptions) {
  const server = new MemoryServer()
  const { code, stderr } = await run(server, ['ls', 'oss://demo'], options)
  return { code, stderr, config: server.config }
}

describe('credentials', () => {
  test('come from the chain when neither variable is set', async () => {
    const credentialsChain = fixed()
    const { config } = await ls({ env: UNSET, credentialsChain })
    expect(config).toMatchObject({ credentials: credentialsChain })
    expect(config).not.toHaveProperty('accessKeyId')
  })

  test('come from the variables when both are set, and the chain is not used', async () => {
    const credentialsChain = fixed()
    const { config } = await ls({ credentialsChain })
    expect(config).toMatchObject({ accessKeyId: 'id' })
    expect(config).not.toHaveProperty('credentials')
    expect(credentialsChain.getCredential).not.toHaveBeenCalled()
  })

  test.each(['OSS_ACCESS_KEY_ID', 'OSS_ACCESS_KEY_SECRET'])(
    'with only one variable exit 3: %s is missing',
    async (name) => {
      const { code, stderr } = await ls({ env: { [name]: undefined }, credentialsChain: fixed() })
      expect([code, stderr]).toEqual([3, expect.stringMatching(new RegExp(`Missing: .*\\(${name}\\)\\.`))])
    },
  )

  test('of the chain sign requests to the service', async () => {
    const emulator = await startOssEmulator()
    const { accessKeyId, accessKeySecret, endpoint } = emulator
    const server = Object.assign(new MemoryServer(), { open: openTransport })
    const credentialsChain = chainOf(async () => ({ accessKeyId, accessKeySecret }))
    const env = { ...UNSET, OSS_ENDPOINT: endpoint }
    expect((await run(server, ['ls', 'oss://demo'], { env, credentialsChain })).code).toBe(0)
    await emulator.close()
  })

  test('that the chain does not have exit 3 with its message, after one attempt', async () => {
    const server = Object.assign(new MemoryServer(), { open: openTransport })
    const credentialsChain = chainOf(async () => {
      throw noCredentials('No credentials: here and there gave none.')
    })
    const outcome = await run(server, ['ls', 'oss://demo'], {
      env: { ...UNSET, OSS_CSE_DEBUG: '1' },
      credentialsChain,
    })
    expect(outcome).toMatchObject({ code: 3 })
    expect(outcome.stderr).toMatch(/^oss-cse: No credentials: here and there gave none\.\n/)
    expect(credentialsChain.getCredential).toHaveBeenCalledOnce()
  })
})
