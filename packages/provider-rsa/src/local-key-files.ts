import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import { invalidArgument } from './checked-options.ts'
import { clearPublicPem } from './encrypted-public-key.ts'
import { type KeyData, keyFilePlaces } from './key-place.ts'
import type { Passphrase } from './pem.ts'
import { loadRsaKey, type RsaKey } from './rsa-key.ts'

/**
 * The paths of a key pair's files.
 *
 * @example
 * ```ts
 * const { privateKeyPath, publicKeyPath }: LocalRsaKeyFiles = await generateLocalRsaKeyFiles()
 * ```
 */
export interface LocalRsaKeyFiles {
  readonly privateKeyPath: string
  readonly publicKeyPath: string
}

/**
 * Returns the paths at which oss2 2.19 oss2/crypto.py `LocalRsaProvider` keeps a pair.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the prefix would lead out of the directory
 */
export function localKeyFiles(
  directory: string = join(homedir(), '.oss-local-rsa'),
  prefix = '',
): LocalRsaKeyFiles {
  if (directory === '')
    throw invalidArgument('The `directory` option is empty. Omit it to use ~/.oss-local-rsa.')
  if (/[/\\\0]/.test(prefix) || directory.includes('\0')) {
    throw invalidArgument(
      'The `prefix` option is the beginning of a file name. Pass the path in `directory`.',
    )
  }
  return {
    privateKeyPath: join(directory, `${prefix}.private_key.pem`),
    publicKeyPath: join(directory, `${prefix}.public_key.pem`),
  }
}

/**
 * Reads a pair of key files and checks it. It refuses files of another user, and files that any user of the machine can
 * write.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`, `ERR_CSE_INVALID_KEY`, `ERR_CSE_PASSPHRASE`
 */
export function loadLocalKey(files: LocalRsaKeyFiles, passphrase: string | undefined): Required<RsaKey> {
  const { privateKeyPath, publicKeyPath } = files
  const places = keyFilePlaces(privateKeyPath, publicKeyPath)
  const [privateKey, publicFile] = readBoth(files)
  const publicKey = inEachEncoding(passphrase, (bytes) => clearPublicPem(publicFile, bytes, places.publicKey))
  return inEachEncoding(passphrase, (bytes) =>
    loadRsaKey({ privateKey, publicKey, passphrase: bytes }, places),
  )
}

/** Reads both files. The error names each missing file. */
function readBoth({ privateKeyPath, publicKeyPath }: LocalRsaKeyFiles): readonly [KeyData, KeyData] {
  const privateKey = readKeyFile(privateKeyPath)
  const publicKey = readKeyFile(publicKeyPath)
  if (privateKey !== undefined && publicKey !== undefined) return [privateKey, publicKey]
  const missing = [
    ...(privateKey === undefined ? [privateKeyPath] : []),
    ...(publicKey === undefined ? [publicKeyPath] : []),
  ]
  throw invalidArgument(
    `There is no ${missing.join(' and no ')}. Both files of the pair must exist. If either is missing, oss2's LocalRsaProvider silently replaces both, and the objects of the old pair are lost. Restore the pair from a backup, or generate a new one with generateLocalRsaKeyFiles().`,
  )
}

const OTHERS_WRITE = 0o002

function readKeyFile(path: string): KeyData | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    refuseExchangeable(path, fstatSync(fd))
    return readFileSync(fd)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw CseError.isInstance(error)
      ? error
      : invalidArgument(`The key file ${path} cannot be read (${code}).`, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/**
 * Anyone who can replace a key file chooses who can read the new objects. Files of root are trusted. Root trusts each
 * file that it names, such as a secret that is mounted into a container.
 */
function refuseExchangeable(path: string, { uid, mode }: Stats): void {
  const user = process.geteuid?.()
  if (user === undefined) return
  if (user !== 0 && uid !== 0 && uid !== user) {
    throw invalidArgument(
      `The key file ${path} belongs to another user (uid ${uid}), who can replace it. Check its content, then use your own copy.`,
    )
  }
  if ((mode & OTHERS_WRITE) === 0) return
  throw invalidArgument(
    `The key file ${path} can be written by every user of this machine. Check its content, then run: chmod o-w ${path}`,
  )
}

/**
 * oss2's RSA library encodes a passphrase as Latin-1, OpenSSL as UTF-8. If the bytes differ, both are tried, Latin-1
 * first.
 */
function inEachEncoding<T>(
  passphrase: string | undefined,
  read: (passphrase: Passphrase | undefined) => T,
): T {
  const latin1 = Buffer.from(passphrase ?? '', 'latin1')
  if (passphrase === undefined || latin1.toString('latin1') !== passphrase) return read(passphrase)
  try {
    return read(latin1)
  } catch (error) {
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_PASSPHRASE') return read(passphrase)
    throw error
  }
}
