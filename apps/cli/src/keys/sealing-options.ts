import type { AcceptedFormats, PlainObjectPolicy } from '@oss-cse/bucket'
import { type ContentFormat, CseError, type Keyring } from '@oss-cse/crypto-core'
import { encodeContext } from '@oss-cse/crypto-core/internal'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { usageError } from '../base/cli-error.ts'
import type { LoadedKeys } from './key-options.ts'

/** The options of the commands that encrypt. */
export interface SealFlags {
  readonly sealed?: boolean
  readonly context?: string
  /** Only of `put`. */
  readonly accept?: AcceptedFormats
}

/** The options of the commands that decrypt. */
export interface OpenFlags {
  readonly accept?: AcceptedFormats
  readonly expectCommitment?: string
  readonly context?: string
}

const GROUP = 'Sealed objects (experimental: content that nobody can alter unnoticed):'
/** A salt of 32 bytes, in base64url. */
const COMMITMENT = /^[A-Za-z0-9_-]{43}$/

/** Adds the options of a command that encrypts. */
export function addSealOptions(command: Command): Command {
  return command
    .optionsGroup(GROUP)
    .option('--sealed', 'write a sealed object; only oss-cse and Tink read it (default: AES-CTR)')
    .option(
      '--context <text>',
      'bind the object to a text, such as its key; it is not stored, and reading needs the same text',
      parseContext,
    )
}

/** Adds the option of a command that works only with sealed objects. */
export function addAcceptOption(command: Command, description: string): Command {
  return command
    .optionsGroup(GROUP)
    .addOption(new Option('--accept <formats>', description).choices(['any', 'sealed']))
}

/** Adds the options of a command that decrypts. */
export function addOpenOptions(command: Command): Command {
  return addAcceptOption(command, 'sealed: refuse every object that is not sealed (default: any)')
    .option(
      '--expect-commitment <commitment>',
      'refuse every object but the one with this commitment, which `put --sealed` prints',
      parseCommitment,
    )
    .option('--context <text>', 'text that the object was bound to (default: none)', parseContext)
}

/**
 * The format of new objects: that of the options, or of the keyring file.
 *
 * @throws CliError of kind `usage` for a key that cannot seal, and for a context that nothing is bound to
 */
export function formatToWrite(
  { sealed, accept, context }: SealFlags,
  { keyring, format = 'aes-ctr' }: LoadedKeys,
): ContentFormat {
  const chosen = sealed || accept === 'sealed' ? 'sealed' : format
  if (chosen === 'sealed') refuseV1(keyring)
  else if (context !== undefined) throw usageError('--context requires --sealed.')
  return chosen
}

/**
 * Refuses options that contradict `--accept sealed`, or a key that reads only sealed objects.
 *
 * @throws CliError of kind `usage`
 */
export function checkAccepted(
  { accept }: OpenFlags,
  keyring: Keyring | undefined,
  onPlainObject: PlainObjectPolicy | undefined,
): void {
  if (onPlainObject === 'passthrough' && keyring?.hasSealedOnly) {
    throw usageError(
      '--on-plain-object passthrough cannot be used with a keyring file that has "sealedOnly".',
    )
  }
  if (accept !== 'sealed') return
  if (onPlainObject === 'passthrough') {
    throw usageError('--accept sealed and --on-plain-object passthrough cannot be used together.')
  }
  if (keyring !== undefined) refuseV1(keyring)
}

function refuseV1({ encrypting }: Keyring): void {
  if (encrypting.envelopeVersion !== 1) return
  throw usageError(
    'The encrypting key writes the V1 format, which has no sealed objects. Use a key that writes V2 (--local-rsa-format v2).',
  )
}

function parseContext(text: string): string {
  // A shell passes an empty argument for a variable that is not set.
  if (text === '') throw new InvalidArgumentError('It is empty. Leave it out, or give a text.')
  try {
    encodeContext(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(CseError.isInstance(error) ? error.message : String(error))
  }
}

function parseCommitment(text: string): string {
  if (COMMITMENT.test(text)) return text
  throw new InvalidArgumentError('It must be the 43 characters that `put --sealed` prints.')
}
