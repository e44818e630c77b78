import { createPrivateKey } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { emptyDirectory, keyDirectory } from '../test/support/key-directory.ts'
import { generateLocalRsaKeyFiles, type LocalRsaKeyFilesOptions } from './generate-local-key-files.ts'
import { LocalRsaProvider } from './local-rsa-provider.ts'

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>()
  return { ...original, open: vi.fn(original.open) }
})

const refused = { code: 'ERR_CSE_INVALID_ARGUMENT' }
const bits = 2048

const create = vi.mocked(open)
const { open: reallyCreate } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises')

beforeEach(() => {
  create.mockReset()
})

/** Does something before the file of this name is created. */
function whenCreating(name: string, action: () => void): void {
  create.mockImplementation(async (path, ...rest) => {
    if (String(path).endsWith(name)) action()
    return reallyCreate(path, ...rest)
  })
}

function mode(path: string): number {
  return statSync(path).mode & 0o777
}

describe('generateLocalRsaKeyFiles', () => {
  test('leaves nothing behind when the work is given up', async () => {
    const dir = join(emptyDirectory(), 'keys')
    const controller = new AbortController()
    const making = generateLocalRsaKeyFiles({ dir, bits, signal: controller.signal })
    controller.abort('stop')
    await expect(making).rejects.toBe('stop')
    expect(existsSync(dir)).toBe(false)
  })

  test('makes a pair of 3072 bits by default, in a directory of its own, that a provider takes', async () => {
    const dir = join(emptyDirectory(), 'new', 'keys')
    const paths = await generateLocalRsaKeyFiles({ dir })
    expect(paths).toEqual({
      privateKeyPath: join(dir, '.private_key.pem'),
      publicKeyPath: join(dir, '.public_key.pem'),
    })
    expect(readFileSync(paths.privateKeyPath, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(readFileSync(paths.publicKeyPath, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect(new LocalRsaProvider({ dir }).modulusBits).toBe(3072)
    expect(readdirSync(dir)).toHaveLength(2)
  })

  test.skipIf(process.platform === 'win32')(
    'lets nobody else read the private key or enter the directory',
    async () => {
      const dir = join(emptyDirectory(), 'keys')
      const { privateKeyPath } = await generateLocalRsaKeyFiles({ dir, bits })
      expect([mode(dir), mode(privateKeyPath)]).toEqual([0o700, 0o600])
    },
  )

  test('encrypts the private key under the passphrase, and leaves the public one in clear', async () => {
    const dir = emptyDirectory()
    const passphrase = 'a test passphrase ~!'
    const paths = await generateLocalRsaKeyFiles({ dir, prefix: 'backup', passphrase, bits })
    expect(paths.privateKeyPath).toBe(join(dir, 'backup.private_key.pem'))
    expect(() => createPrivateKey(readFileSync(paths.privateKeyPath, 'utf8'))).toThrow()
    expect(readFileSync(paths.publicKeyPath, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----\n(?!Proc)/)
    expect(new LocalRsaProvider({ dir, prefix: 'backup', passphrase }).modulusBits).toBe(bits)
    expect(() => new LocalRsaProvider({ dir, prefix: 'backup' })).toThrow(/passphrase/)
  })

  test.each(['private', 'public'])(
    'never replaces a file: an existing %s one is left as it is',
    async (half) => {
      const dir = keyDirectory({ [`${half}KeyPem`]: 'what was there' })
      await expect(generateLocalRsaKeyFiles({ dir, bits })).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining(join(dir, `.${half}_key.pem`)),
      })
      expect(readdirSync(dir)).toEqual([`.${half}_key.pem`])
      expect(readFileSync(join(dir, `.${half}_key.pem`), 'utf8')).toBe('what was there')
    },
  )

  test('never replaces a link, even one that leads nowhere', async () => {
    const dir = emptyDirectory()
    symlinkSync(join(dir, 'nowhere'), join(dir, '.public_key.pem'))
    await expect(generateLocalRsaKeyFiles({ dir, bits })).rejects.toMatchObject(refused)
    expect(readdirSync(dir)).toEqual(['.public_key.pem'])
  })

  test('never replaces a file that appears while the key is made', async () => {
    const dir = emptyDirectory()
    const path = join(dir, '.private_key.pem')
    whenCreating('.private_key.pem', () => writeFileSync(path, 'somebody else’s'))
    await expect(generateLocalRsaKeyFiles({ dir, bits })).rejects.toMatchObject(refused)
    expect(readdirSync(dir)).toEqual(['.private_key.pem'])
    expect(readFileSync(path, 'utf8')).toBe('somebody else’s')
  })

  test('removes the private file when the public one cannot be made', async () => {
    const dir = emptyDirectory()
    whenCreating('.public_key.pem', () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    })
    await expect(generateLocalRsaKeyFiles({ dir, bits })).rejects.toMatchObject({
      ...refused,
      cause: { code: 'ENOSPC' },
    })
    expect(readdirSync(dir)).toEqual([])
  })

  test('leaves a pair alone that an oss2 made meanwhile in place of its own', async () => {
    const dir = emptyDirectory()
    whenCreating('.public_key.pem', () =>
      keyDirectory({ privateKeyPem: 'of oss2', publicKeyPem: 'of oss2' }, '', dir),
    )
    await expect(generateLocalRsaKeyFiles({ dir, bits })).rejects.toMatchObject(refused)
    for (const name of readdirSync(dir)) expect(readFileSync(join(dir, name), 'utf8')).toBe('of oss2')
    expect(readdirSync(dir)).toHaveLength(2)
  })

  test('leaves no half-written file', async () => {
    const dir = emptyDirectory()
    create.mockImplementationOnce(async (...parameters) => {
      const file = await reallyCreate(...parameters)
      file.sync = () => Promise.reject(Object.assign(new Error('failing'), { code: 'EIO' }))
      return file
    })
    await expect(generateLocalRsaKeyFiles({ dir, bits })).rejects.toMatchObject({ cause: { code: 'EIO' } })
    expect(readdirSync(dir)).toEqual([])
  })

  test('says so when the directory cannot be made', async () => {
    const file = join(emptyDirectory(), 'file')
    writeFileSync(file, '')
    await expect(generateLocalRsaKeyFiles({ dir: join(file, 'keys'), bits })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining(file),
    })
  })

  test.each([
    null,
    { bits: 1024 },
    { bits: 2052 },
    { passphrase: '' },
    { passphrase: 'p'.repeat(1025) },
    { passphrase: 'grün' },
    { passphrase: 'a\nb' },
    { passphrase: 7 },
    { dir: 7 },
    { dir: '' },
    { prefix: '../x' },
    { prefix: 7 },
  ])('refuses %j before it makes anything', async (options) => {
    const dir = join(emptyDirectory(), 'keys')
    const given = options === null ? options : { dir, bits, ...options }
    await expect(generateLocalRsaKeyFiles(given as LocalRsaKeyFilesOptions)).rejects.toMatchObject(refused)
    expect(readdirSync(dirname(dir))).toEqual([])
  })
})
