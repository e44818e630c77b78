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
  test('leaves no file behind if it is cancelled', async () => {
    const directory = join(emptyDirectory(), 'keys')
    const controller = new AbortController()
    const making = generateLocalRsaKeyFiles({ directory, bits, signal: controller.signal })
    controller.abort('stop')
    await expect(making).rejects.toBe('stop')
    expect(existsSync(directory)).toBe(false)
  })

  test('generates a pair of 3072 bits by default, in a new directory, that a provider accepts', async () => {
    const directory = join(emptyDirectory(), 'new', 'keys')
    const paths = await generateLocalRsaKeyFiles({ directory })
    expect(paths).toEqual({
      privateKeyPath: join(directory, '.private_key.pem'),
      publicKeyPath: join(directory, '.public_key.pem'),
    })
    expect(readFileSync(paths.privateKeyPath, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(readFileSync(paths.publicKeyPath, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect(new LocalRsaProvider({ directory }).modulusBits).toBe(3072)
    expect(readdirSync(directory)).toHaveLength(2)
  })

  test.skipIf(process.platform === 'win32')(
    'lets no other user read the private key or enter the directory',
    async () => {
      const directory = join(emptyDirectory(), 'keys')
      const { privateKeyPath } = await generateLocalRsaKeyFiles({ directory, bits })
      expect([mode(directory), mode(privateKeyPath)]).toEqual([0o700, 0o600])
    },
  )

  test('encrypts the private key with the passphrase, and writes the public key in plaintext', async () => {
    const directory = emptyDirectory()
    const passphrase = 'a test passphrase ~!'
    const paths = await generateLocalRsaKeyFiles({ directory, prefix: 'backup', passphrase, bits })
    expect(paths.privateKeyPath).toBe(join(directory, 'backup.private_key.pem'))
    expect(() => createPrivateKey(readFileSync(paths.privateKeyPath, 'utf8'))).toThrow()
    expect(readFileSync(paths.publicKeyPath, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----\n(?!Proc)/)
    expect(new LocalRsaProvider({ directory, prefix: 'backup', passphrase }).modulusBits).toBe(bits)
    expect(() => new LocalRsaProvider({ directory, prefix: 'backup' })).toThrow(/passphrase/)
  })

  test.each(['private', 'public'])(
    'never replaces a file: an existing %s key file is unchanged',
    async (half) => {
      const directory = keyDirectory({ [`${half}KeyPem`]: 'what was there' })
      await expect(generateLocalRsaKeyFiles({ directory, bits })).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining(join(directory, `.${half}_key.pem`)),
      })
      expect(readdirSync(directory)).toEqual([`.${half}_key.pem`])
      expect(readFileSync(join(directory, `.${half}_key.pem`), 'utf8')).toBe('what was there')
    },
  )

  test('never replaces a symbolic link, not even a dangling one', async () => {
    const directory = emptyDirectory()
    symlinkSync(join(directory, 'nowhere'), join(directory, '.public_key.pem'))
    await expect(generateLocalRsaKeyFiles({ directory, bits })).rejects.toMatchObject(refused)
    expect(readdirSync(directory)).toEqual(['.public_key.pem'])
  })

  test('never replaces a file that appears while the key is generated', async () => {
    const directory = emptyDirectory()
    const path = join(directory, '.private_key.pem')
    whenCreating('.private_key.pem', () => writeFileSync(path, 'somebody else’s'))
    await expect(generateLocalRsaKeyFiles({ directory, bits })).rejects.toMatchObject(refused)
    expect(readdirSync(directory)).toEqual(['.private_key.pem'])
    expect(readFileSync(path, 'utf8')).toBe('somebody else’s')
  })

  test('removes the private key file if the public key file cannot be created', async () => {
    const directory = emptyDirectory()
    whenCreating('.public_key.pem', () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    })
    await expect(generateLocalRsaKeyFiles({ directory, bits })).rejects.toMatchObject({
      ...refused,
      cause: { code: 'ENOSPC' },
    })
    expect(readdirSync(directory)).toEqual([])
  })

  test('does not remove a pair that oss2 wrote in place of its own', async () => {
    const directory = emptyDirectory()
    whenCreating('.public_key.pem', () =>
      keyDirectory({ privateKeyPem: 'of oss2', publicKeyPem: 'of oss2' }, '', directory),
    )
    await expect(generateLocalRsaKeyFiles({ directory, bits })).rejects.toMatchObject(refused)
    for (const name of readdirSync(directory))
      expect(readFileSync(join(directory, name), 'utf8')).toBe('of oss2')
    expect(readdirSync(directory)).toHaveLength(2)
  })

  test('leaves no partial file', async () => {
    const directory = emptyDirectory()
    create.mockImplementationOnce(async (...parameters) => {
      const file = await reallyCreate(...parameters)
      file.sync = () => Promise.reject(Object.assign(new Error('failing'), { code: 'EIO' }))
      return file
    })
    await expect(generateLocalRsaKeyFiles({ directory, bits })).rejects.toMatchObject({
      cause: { code: 'EIO' },
    })
    expect(readdirSync(directory)).toEqual([])
  })

  test('refuses a directory that cannot be created', async () => {
    const file = join(emptyDirectory(), 'file')
    writeFileSync(file, '')
    await expect(generateLocalRsaKeyFiles({ directory: join(file, 'keys'), bits })).rejects.toMatchObject({
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
    { directory: 7 },
    { directory: '' },
    { prefix: '../x' },
    { prefix: 7 },
  ])('refuses %j before it creates any file', async (options) => {
    const directory = join(emptyDirectory(), 'keys')
    const given = options === null ? options : { directory, bits, ...options }
    await expect(generateLocalRsaKeyFiles(given as LocalRsaKeyFilesOptions)).rejects.toMatchObject(refused)
    expect(readdirSync(dirname(directory))).toEqual([])
  })
})
