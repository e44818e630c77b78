import type { CseError, CseErrorCode } from '@oss-cse/crypto-core'
import { systemCode } from '../base/cli-error.ts'

/** What the command line calls the options that a library names in backticks. */
export type Words = Readonly<Record<string, string>>

/** Options and fields of master keys, by the kind of the key. */
export interface MaterialWords {
  readonly rsa: Words
  readonly 'local-rsa': Words
  readonly kms: Words
}

/** Functions that are commands here. */
const COMMANDS: Words = {
  'generateRsaKeyPair()': '`oss-cse keygen`',
  'generateLocalRsaKeyFiles()': '`oss-cse keygen --local-rsa`',
}

/** Master keys that options name. */
export const OPTION_WORDS: MaterialWords = {
  rsa: {
    privateKey: '--rsa-private-key',
    publicKey: '--rsa-public-key',
    passphrase: '--rsa-passphrase-env',
    materialDescription: '--matdesc',
  },
  'local-rsa': {
    directory: '--local-rsa-dir',
    prefix: '--local-rsa-prefix',
    passphrase: '--local-rsa-passphrase-env',
    format: '--local-rsa-format',
  },
  kms: {
    keyId: '--kms-key-id',
    region: '--kms-region',
    endpoint: '--kms-endpoint (or OSS_CSE_KMS_ENDPOINT)',
    passphrase: '--kms-passphrase-env',
    encoding: '--kms-encoding',
    encryptionContext: '--kms-context',
    materialDescription: '--matdesc',
  },
}

/** Master keys that a keyring file names. */
export const FIELD_WORDS: MaterialWords = {
  rsa: {
    privateKey: '"privateKeyFile"',
    publicKey: '"publicKeyFile"',
    passphrase: '"passphraseEnv"',
    materialDescription: '"materialDescription"',
  },
  'local-rsa': {
    directory: '"directory"',
    prefix: '"prefix"',
    passphrase: '"passphraseEnv"',
    format: '"format"',
  },
  kms: {
    keyId: '"keyId"',
    region: '"region"',
    endpoint: '"endpoint" (or OSS_CSE_KMS_ENDPOINT)',
    passphrase: '"passphraseEnv"',
    encoding: '"encoding"',
    encryptionContext: '"encryptionContext"',
    materialDescription: '"materialDescription"',
    unwrapCache: '"unwrapCache"',
  },
}

/** The server of objects. */
export const SERVER_WORDS: Words = {
  endpoint: '--endpoint (or OSS_ENDPOINT)',
  region: '--region (or OSS_REGION)',
  addressing: '--addressing',
  signature: '--signature',
  bucket: 'the bucket',
}

/** The making of a key pair. */
export const KEYGEN_WORDS: Words = {
  directory: '--out',
  prefix: '--prefix',
  bits: '--bits',
  passphrase: '--passphrase-env',
}

/** What is left of a running command, which is past its options. */
const RUNNING_WORDS: Words = { credentials: 'the source of the credentials' }

/** A name in backticks, perhaps with its value: `` `addressing: "path"` ``. */
const NAMED = /`([A-Za-z]+)(?:: "?([^"`]*)"?)?`/g

/** A library's message with the command line's names for the options in it. */
export function inWords(message: string, words: Words): string {
  const named = message.replace(NAMED, (text, name: string, value: string | undefined) => {
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    if (word === undefined) return text
    return value === undefined ? word : `${word} ${value}`
  })
  return Object.entries(COMMANDS).reduce((text, [name, command]) => text.replaceAll(name, command), named)
}

/** How the command line tells of one code. */
interface Telling {
  /** In place of the library's message. */
  readonly message?: (error: CseError) => string
  /** What to do, behind the message. */
  readonly hint?: (error: CseError) => string | undefined
}

const TELLINGS: Partial<Record<CseErrorCode, Telling>> = {
  ERR_CSE_CANNOT_UNWRAP: {
    hint: () => 'Give the private key with --rsa-private-key, or as "privateKeyFile" in a keyring file.',
  },
  ERR_CSE_CHECKPOINT: {
    hint: (error) =>
      isOutOfFiles(error.cause)
        ? undefined
        : 'Name another directory with --checkpoint-dir (or OSS_CSE_CHECKPOINT_DIR), or do without: --no-resume.',
  },
  ERR_CSE_CREDENTIALS_EXPIRED: {
    message: () =>
      'The service refused the credentials: their security token has expired. Set new ones (OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_SESSION_TOKEN), or unset these and use the standard chain, which renews its own.',
  },
  ERR_CSE_METADATA_TOO_LARGE: { hint: () => 'They come from --meta and --matdesc.' },
  ERR_CSE_NETWORK: {
    message: (error) => plainHttpText(error.cause) ?? error.message,
  },
  ERR_CSE_NOT_ENCRYPTED: {
    // Without a key it is a file's, and the command line's own message.
    message: ({ objectKey, message }) =>
      objectKey === undefined
        ? message
        : `${objectKey} carries no encryption envelope: it was stored in plaintext, or its metadata was stripped. Where plain objects are expected, --on-plain-object passthrough reads it.`,
  },
  ERR_CSE_TIMEOUT: {
    // The length of the wait is set in the library, by an option that is not named here.
    message: ({ message }) => message.replace(/ \([A-Za-z]+Ms\)/, ''),
    hint: () => 'Check the network, the endpoint and any proxy, and run the same command again.',
  },
}

/** A library's failure as the command line tells it. */
export function tellingOf(error: CseError): { readonly message: string; readonly hint: string | undefined } {
  const telling = Object.hasOwn(TELLINGS, error.code) ? TELLINGS[error.code] : undefined
  return {
    message: inWords(telling?.message?.(error) ?? error.message, RUNNING_WORDS),
    hint: telling?.hint?.(error),
  }
}

/** Tells whether a failure is one of the machine's limits: no directory or setting is at fault. */
export function isMachineLimit(cause: unknown): boolean {
  return isOutOfFiles(cause) || ['ENOSPC', 'EDQUOT', 'EIO'].includes(systemCode(cause) ?? '')
}

function isOutOfFiles(cause: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCode(cause) ?? '')
}

/** What OpenSSL says of an answer that is not TLS at all. */
const NOT_TLS = /wrong version number|packet length too long|http request/

function plainHttpText(cause: unknown): string | undefined {
  const code = systemCode(cause)
  if (code === undefined || !/^EPROTO$|^ERR_SSL_/.test(code)) return undefined
  return NOT_TLS.test((cause as Error).message)
    ? 'The server speaks plain HTTP, and not TLS: begin the endpoint with http:// (--endpoint or OSS_ENDPOINT).'
    : `The TLS handshake with the server failed (${code}). If it speaks plain HTTP, begin the endpoint with http:// (--endpoint or OSS_ENDPOINT).`
}
