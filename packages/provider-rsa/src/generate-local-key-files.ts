import { lstat, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkTexts, invalidArgument } from './checked-options.ts'
import { generateRsaKeyPair } from './generate-key-pair.ts'
import { type LocalRsaKeyFiles, localKeyFiles } from './local-key-files.ts'

/**
 * Options of {@link generateLocalRsaKeyFiles}.
 *
 * @example
 * ```ts
 * const options: LocalRsaKeyFilesOptions = { prefix: 'backup', passphrase, bits: 4096 }
 * ```
 */
export interface LocalRsaKeyFilesOptions {
  /** The directory of the key files. It is created if missing. Default: `.oss-local-rsa` in the user's home. */
  readonly directory?: string | undefined
  /** The prefix of both file names. Default: empty. */
  readonly prefix?: string | undefined
  /**
   * The passphrase that encrypts the private key (AES-256-CBC): 1 to 1024 characters of printable ASCII. oss2 and
   * OpenSSL encode other characters differently. Without it, the private key is in plaintext. The public key always is.
   */
  readonly passphrase?: string | undefined
  /** The size of the key in bits: a multiple of 8 from 2048 to 16384. Default 3072. */
  readonly bits?: number | undefined
  /** Cancels the call while the key is generated. Once the first file is being written, the call completes both. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Generates an RSA key pair for {@link LocalRsaProvider}, in files that oss2's `LocalRsaProvider` also reads. It never
 * replaces a file.
 *
 * Back up both files before you encrypt the first object. If you lose the private key, you lose every object that the
 * pair encrypted. If one of the files is missing, oss2 replaces the other.
 *
 * @param options - the location, the size in bits, and a passphrase
 * @returns the paths of both files
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if either file already exists or cannot be created, or if an option is
 * out of range. No new file is left behind.
 *
 * @example
 * ```ts
 * const { privateKeyPath } = await generateLocalRsaKeyFiles({ passphrase })
 * const provider = new LocalRsaProvider({ passphrase })
 * ```
 */
export async function generateLocalRsaKeyFiles(
  options: LocalRsaKeyFilesOptions = {},
): Promise<LocalRsaKeyFiles> {
  checkTexts('generateLocalRsaKeyFiles', options, {
    directory: 'the path of a directory',
    prefix: 'a string',
    passphrase: 'a string',
  })
  const { directory, prefix, passphrase, bits } = options
  if (passphrase !== undefined && !/^[ -~]*$/.test(passphrase)) {
    throw invalidArgument(
      'The `passphrase` option must be printable ASCII: oss2 and OpenSSL encode other characters differently.',
    )
  }
  const files = localKeyFiles(directory, prefix)
  const { privateKeyPath, publicKeyPath } = files
  // Only to fail before the slow generation. The exclusive creation below is what protects an existing file.
  for (const path of [privateKeyPath, publicKeyPath]) await refuseExisting(path)
  const { privateKey, publicKey } = await generateRsaKeyPair({ bits, passphrase })
  // A caller that cancelled does not expect key files.
  options.signal?.throwIfAborted()
  await mkdir(dirname(privateKeyPath), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw cannotMake(dirname(privateKeyPath), error)
  })
  await createFile(privateKeyPath, privateKey, 0o600)
  try {
    await createFile(publicKeyPath, publicKey, 0o644)
  } catch (error) {
    await removeOurs(privateKeyPath, privateKey)
    throw error
  }
  return files
}

async function refuseExisting(path: string): Promise<void> {
  // lstat also finds a dangling symbolic link.
  const exists = await lstat(path).then(
    () => true,
    () => false,
  )
  if (exists) throw alreadyThere(path)
}

/** Creates a new file durably. On failure it leaves no file. */
async function createFile(path: string, text: string, mode: number): Promise<void> {
  let created = false
  try {
    const file = await open(path, 'wx', mode)
    created = true
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (created) await rm(path, { force: true })
    throw cannotMake(path, error)
  }
}

/** Removes the file that was just created, unless oss2 found the pair incomplete and wrote its own key there. */
async function removeOurs(path: string, text: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined)
  if (present === text) await rm(path, { force: true })
}

function cannotMake(path: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EEXIST'
    ? alreadyThere(path)
    : invalidArgument(`${path} cannot be created (${code}).`, error)
}

function alreadyThere(path: string): Error {
  return invalidArgument(
    `${path} already exists. Keys are never replaced, because the objects that they encrypted would be lost. Use another \`prefix\` or \`directory\`.`,
  )
}
