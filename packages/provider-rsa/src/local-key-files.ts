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
 * Where the two halves of a pair lie.
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
 * Where oss2 2.19 oss2/crypto.py `LocalRsaProvider` keeps a pair.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a prefix that would lead out of the directory
 */
export function localKeyFiles(
  directory: string = join(homedir(), '.oss-local-rsa'),
  prefix = '',
): LocalRsaKeyFiles {
  if (directory === '')
    throw invalidArgument('The `directory` option is empty: leave it out for ~/.oss-local-rsa.')
  if (/[/\\\0]/.test(prefix) || directory.includes('\0')) {
    throw invalidArgument('The `prefix` option begins a file name: give directories in `directory`.')
  }
  return {
    privateKeyPath: join(directory, `${prefix}.private_key.pem`),
    publicKeyPath: join(directory, `${prefix}.public_key.pem`),
  }
}

/**
 * Reads a pair of key files and checks it. Files of another user, and those that any user of the machine can
 * write, are refused.
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

/** Both files, or an error that tells of every one that is not there. */
function readBoth({ privateKeyPath, publicKeyPath }: LocalRsaKeyFiles): readonly [KeyData, KeyData] {
  const privateKey = readKeyFile(privateKeyPath)
  const publicKey = readKeyFile(publicKeyPath)
  if (privateKey !== undefined && publicKey !== undefined) return [privateKey, publicKey]
  const missing = [
    ...(privateKey === undefined ? [privateKeyPath] : []),
    ...(publicKey === undefined ? [publicKeyPath] : []),
  ]
  throw invalidArgument(
    `There is no ${missing.join(' and no ')}. Both halves of the pair must be there: where either is missing, oss2's LocalRsaProvider replaces both without a word, and what the old pair encrypted is lost. Put the pair back from a backup, or make a new one with generateLocalRsaKeyFiles().`,
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
 * Whoever can exchange a key file chooses who can read what is encrypted. Files of root are trusted, and root trusts what it
 * names, as secrets that are mounted into a container.
 */
function refuseExchangeable(path: string, { uid, mode }: Stats): void {
  const user = process.geteuid?.()
  if (user === undefined) return
  if (user !== 0 && uid !== 0 && uid !== user) {
    throw invalidArgument(
      `The key file ${path} belongs to another user (uid ${uid}), who can exchange it: use a copy of your own, once you know what is in it.`,
    )
  }
  if ((mode & OTHERS_WRITE) === 0) return
  throw invalidArgument(
    `The key file ${path} can be written by every user of this machine: run chmod o-w ${path}, once you know what is in it.`,
  )
}

/**
 * oss2's RSA library takes a passphrase as Latin-1, OpenSSL as UTF-8. Where that is not the same, both are tried, the
 * library's first.
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
