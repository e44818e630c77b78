import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CliError } from '../base/cli-error.ts'
import { temporaryDirectory } from '../testing/shell.ts'
import { findCredentialsChain } from './credentials-chain.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())
let home: string
let homes = 0

/** The package reads the process's own variables. */
function set(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}

beforeEach(() => {
  home = join(directory.path, String(homes++))
  mkdirSync(home)
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('ALIBABA_CLOUD_')) vi.stubEnv(name, undefined)
  }
  set({ HOME: home, USERPROFILE: home, ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' })
})
afterEach(() => vi.unstubAllEnvs())

function write(name: string, text: string): void {
  mkdirSync(join(home, name, '..'), { recursive: true })
  writeFileSync(join(home, name), text)
}

const chain = () => findCredentialsChain(process.env, home)
const profiles = (profile: object) =>
  JSON.stringify({ current: 'default', profiles: [{ name: 'default', ...profile }] })

describe('the chain of credentials', () => {
  test('is undefined when none of its places is set up', () => {
    expect(chain()).toBeUndefined()
    expect(findCredentialsChain({}, undefined)).toBeUndefined()
  })

  test('returns an access key from variables', async () => {
    set({ ALIBABA_CLOUD_ACCESS_KEY_ID: 'id', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'secret' })
    expect(await chain()?.getCredential()).toEqual({ accessKeyId: 'id', accessKeySecret: 'secret' })
  })

  test('returns temporary credentials with their token', async () => {
    set({
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'id',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'secret',
      ALIBABA_CLOUD_SECURITY_TOKEN: 'token',
    })
    expect(await chain()?.getCredential()).toMatchObject({ securityToken: 'token' })
  })

  test('reads the profile of the aliyun command, unless it is disabled', async () => {
    write('.aliyun/config.json', profiles({ mode: 'AK', access_key_id: 'id', access_key_secret: 'secret' }))
    expect(await chain()?.getCredential()).toEqual({ accessKeyId: 'id', accessKeySecret: 'secret' })
    set({ ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true' })
    expect(chain()).toBeUndefined()
  })

  test.each(['~/.alibabacloud/credentials', 'ALIBABA_CLOUD_CREDENTIALS_FILE'])(
    'reads the profile of %s',
    async (place) => {
      const name = place.startsWith('~') ? '.alibabacloud/credentials' : 'elsewhere'
      write(name, '[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = secret\n')
      if (name === 'elsewhere') set({ ALIBABA_CLOUD_CREDENTIALS_FILE: join(home, name) })
      expect(await chain()?.getCredential()).toEqual({ accessKeyId: 'id', accessKeySecret: 'secret' })
    },
  )

  test('requests temporary credentials from a URI', async () => {
    const server = createServer((_request, response) => {
      const Expiration = new Date(Date.now() + 3_600_000).toISOString()
      const answer = {
        Code: 'Success',
        AccessKeyId: 'id',
        AccessKeySecret: 'secret',
        SecurityToken: 'token',
        Expiration,
      }
      response.end(JSON.stringify(answer))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    set({ ALIBABA_CLOUD_CREDENTIALS_URI: `http://127.0.0.1:${port}/` })
    expect(await chain()?.getCredential()).toMatchObject({ accessKeyId: 'id', securityToken: 'token' })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('uses ECS only if its role is named and its metadata is not disabled', () => {
    set({ ALIBABA_CLOUD_ECS_METADATA: 'role' })
    expect(chain()).toBeUndefined()
    set({ ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'false' })
    expect(chain()).toBeDefined()
  })

  test('needs all three variables for OIDC', () => {
    set({ ALIBABA_CLOUD_ROLE_ARN: 'arn', ALIBABA_CLOUD_OIDC_PROVIDER_ARN: 'arn' })
    expect(chain()).toBeUndefined()
    set({ ALIBABA_CLOUD_OIDC_TOKEN_FILE: 'file' })
    expect(chain()).toBeDefined()
  })

  test('tries the next place when one fails', async () => {
    set({ ALIBABA_CLOUD_ACCESS_KEY_ID: 'without a secret' })
    write('.aliyun/config.json', '{ damaged')
    write(
      '.alibabacloud/credentials',
      '[default]\ntype = access_key\naccess_key_id = id\naccess_key_secret = secret\n',
    )
    expect(await chain()?.getCredential()).toEqual({ accessKeyId: 'id', accessKeySecret: 'secret' })
  })

  test('names each place on failure, quotes none, and succeeds once one is corrected', async () => {
    set({ ALIBABA_CLOUD_ACCESS_KEY_ID: 'without a secret' })
    write('.aliyun/config.json', '{ "words of a secret"')
    const broken = chain()
    const error = await broken?.getCredential().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_CSE_ACCESS_DENIED', retryable: false })
    expect((error as Error).cause).toBeInstanceOf(CliError)
    expect((error as Error).message).toContain('ALIBABA_CLOUD_ACCESS_KEY_ID, ')
    expect((error as Error).message).toContain(join('.aliyun', 'config.json'))
    expect(inspect(error, { depth: 9 })).not.toContain('words of a secret')
    write('.aliyun/config.json', profiles({ mode: 'AK', access_key_id: 'id', access_key_secret: 'secret' }))
    expect(await broken?.getCredential()).toEqual({ accessKeyId: 'id', accessKeySecret: 'secret' })
  })
})
