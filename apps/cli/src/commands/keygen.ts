import { mkdir, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CseError, orAborted } from '@oss-cse/crypto-core'
import { type Command, InvalidArgumentError } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, systemCode, usageError } from '../base/cli-error.ts'
import { passphraseFrom } from '../keys/rsa-material.ts'
import { inWords, KEYGEN_WORDS } from '../output/library-words.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'

interface KeygenFlags extends ReportFlags {
  readonly out: string
  readonly bits: number
  readonly passphraseEnv?: string
  readonly localRsa?: boolean
  readonly prefix?: string
}

const OTHERS_WRITE = 0o002
const STICKY = 0o1000
const PRIVATE_FILE = 'private_key.pem'
const PUBLIC_FILE = 'public_key.pem'

/** Adds `oss-cse keygen`. */
export function addKeygen(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('keygen')
    .description(`generate an RSA key pair: ${PRIVATE_FILE} (mode 0600) and ${PUBLIC_FILE}`)
    .requiredOption('--out <dir>', 'directory for the key files; existing files are never overwritten')
    .option('--bits <n>', 'key size in bits', parseBits, 3072)
    .option('--passphrase-env <var>', 'environment variable with a passphrase that encrypts the private key')
    .option(
      '--local-rsa',
      "generate the key files of oss2's LocalRsaProvider: .private_key.pem and .public_key.pem",
    )
    .option('--prefix <prefix>', 'prefix of both file names, with --local-rsa (default: none)')
  addReportOptions(command)
    .addHelpText('after', '\nFields of --json: privateKeyFile, publicKeyFile, bits, encrypted')
    .action((flags: KeygenFlags) => keygen(flags, cli))
}

async function keygen(flags: KeygenFlags, cli: CliEnvironment): Promise<void> {
  const { bits, passphraseEnv, localRsa, prefix } = flags
  if (prefix !== undefined && !localRsa) throw usageError('--prefix requires --local-rsa.')
  if (flags.out === '') throw usageError('--out is empty. Name a directory.')
  const passphrase = passphraseEnv === undefined ? undefined : passphraseFrom(passphraseEnv, cli)
  await refuseSharedDirectory(flags.out)
  const made = localRsa
    ? makeLocalFiles(flags, passphrase, cli.signal)
    : makeFiles(flags, passphrase, cli.signal)
  const { privateKeyFile, publicKeyFile } = await orAborted(made, cli.signal).catch((error: unknown) => {
    if (!CseError.isInstance(error)) throw error
    throw new CliError('usage', inWords(error.message, KEYGEN_WORDS), { cause: error })
  })
  const encrypted = passphrase !== undefined
  await reportDone(
    cli,
    flags,
    { privateKeyFile, publicKeyFile, bits, encrypted },
    `Generated ${privateKeyFile} (${encrypted ? 'encrypted' : 'not encrypted'}) and ${publicKeyFile}. Back up both: without the private key, nothing can be decrypted.`,
  )
}

/** A user who can rename files in the directory could replace the public key, and read everything encrypted later. */
async function refuseSharedDirectory(out: string): Promise<void> {
  const found = await stat(out).catch(() => undefined)
  const user = process.geteuid?.()
  if (found === undefined || user === undefined) return
  const foreign = user !== 0 && found.uid !== user && found.uid !== 0
  if (!foreign && (found.mode & OTHERS_WRITE) === 0) return
  if (!foreign && (found.mode & STICKY) !== 0) return
  throw usageError(
    `--out ${out} ${foreign ? `belongs to another user (uid ${found.uid})` : 'is writable by every user of this machine'}, who could replace the keys. Name another directory. A missing one is created.`,
  )
}

interface KeyFiles {
  readonly privateKeyFile: string
  readonly publicKeyFile: string
}

async function makeLocalFiles(
  { out, prefix, bits }: KeygenFlags,
  passphrase: string | undefined,
  signal: AbortSignal,
): Promise<KeyFiles> {
  const { generateLocalRsaKeyFiles } = await import('@oss-cse/provider-rsa')
  const files = await generateLocalRsaKeyFiles({ directory: out, prefix, bits, passphrase, signal })
  return { privateKeyFile: files.privateKeyPath, publicKeyFile: files.publicKeyPath }
}

async function makeFiles(
  { out, bits }: KeygenFlags,
  passphrase: string | undefined,
  signal: AbortSignal,
): Promise<KeyFiles> {
  const privateKeyFile = join(out, PRIVATE_FILE)
  const publicKeyFile = join(out, PUBLIC_FILE)
  const { generateRsaKeyPair } = await import('@oss-cse/provider-rsa')
  const { privateKey, publicKey } = await generateRsaKeyPair({ bits, passphrase })
  // A user who interrupted the work does not expect a key.
  signal.throwIfAborted()
  await mkdir(out, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw usageError(
      `The directory ${out} cannot be created (${systemCode(cause) ?? 'unknown'}). Choose another --out.`,
    )
  })
  await createFile(privateKeyFile, privateKey, 0o600)
  try {
    await createFile(publicKeyFile, publicKey, 0o644)
  } catch (error) {
    await unlink(privateKeyFile)
    throw error
  }
  return { privateKeyFile, publicKeyFile }
}

/** Creates a file that must not exist yet, in one step: another process cannot create it between a check and the write. */
async function createFile(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode).catch((cause: unknown) => {
    if (systemCode(cause) === 'EEXIST') {
      throw usageError(
        `${path} already exists. It is not overwritten, because objects may depend on it. Choose another --out.`,
      )
    }
    throw new CliError('other', `${path} cannot be created (${systemCode(cause) ?? 'unknown'}).`, { cause })
  })
  try {
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    await unlink(path).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
}

function parseBits(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw new InvalidArgumentError('It must be a number of bits, such as 3072.')
  return Number(text)
}
