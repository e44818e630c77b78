import type { CseError, CseErrorCode } from '@oss-cse/crypto-core'
import { systemCode } from '../base/cli-error.ts'

/** The command line's names for the options that a library names in backticks. */
export type Words = Readonly<Record<string, string>>

/** The names of options or fields of master keys, by the kind of the key. */
export interface MaterialWords {
  readonly rsa: Words
  readonly 'local-rsa': Words
  readonly kms: Words
}

/** Functions of the library that are commands of the command line. */
const COMMANDS: Words = {
  'generateRsaKeyPair()': '`oss-cse keygen`',
  'generateLocalRsaKeyFiles()': '`oss-cse keygen --local-rsa`',
}

/** The names for master keys in options. */
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

/** The names for master keys in a keyring file. */
export const FIELD_WORDS: MaterialWords = {
  rsa: {
    privateKey: '"privateKeyFile"',
    publicKey: '"publicKeyFile"',
    passphrase: '"passphraseEnv"',
    materialDescription: '"materialDescription"',
    unwrapCache: '"unwrapCache"',
  },
  'local-rsa': {
    directory: '"directory"',
    prefix: '"prefix"',
    passphrase: '"passphraseEnv"',
    format: '"format"',
    unwrapCache: '"unwrapCache"',
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

/** The names for the OSS server. */
export const SERVER_WORDS: Words = {
  endpoint: '--endpoint (or OSS_ENDPOINT)',
  region: '--region (or OSS_REGION)',
  addressing: '--addressing',
  signature: '--signature',
  bucket: 'the bucket',
}

/** The names for the generation of a key pair. */
export const KEYGEN_WORDS: Words = {
  directory: '--out',
  prefix: '--prefix',
  bits: '--bits',
  passphrase: '--passphrase-env',
}

/** The names for a running command, whose options are already parsed. */
const RUNNING_WORDS: Words = { credentials: 'the source of the credentials' }

/** A name in backticks, with or without a value: `` `addressing: "path"` ``. */
const NAMED = /`([A-Za-z]+)(?:: "?([^"`]*)"?)?`/g

/** Replaces the options in a library's message by the command line's names. */
export function inWords(message: string, words: Words): string {
  const named = message.replace(NAMED, (text, name: string, value: string | undefined) => {
    const word = Object.hasOwn(words, name) ? words[name] : undefined
    if (word === undefined) return text
    return value === undefined ? word : `${word} ${value}`
  })
  return Object.entries(COMMANDS).reduce((text, [name, command]) => text.replaceAll(name, command), named)
}

/** How the command line reports one code. */
interface Telling {
  /** Replaces the library's message. */
  readonly message?: (error: CseError) => string
  /** What the user can do, printed after the message. */
  readonly hint?: (error: CseError) => string | undefined
}

const TELLINGS: Partial<Record<CseErrorCode, Telling>> = {
  ERR_CSE_AUTHENTICATION_FAILED: {
    // Another context shows in the first segment.
    hint: ({ byteRange }) =>
      byteRange?.start === 0 ? 'If it was sealed with --context, give the same text.' : undefined,
  },
  ERR_CSE_CANNOT_UNWRAP: {
    hint: () => 'Give the private key with --rsa-private-key, or as "privateKeyFile" in a keyring file.',
  },
  ERR_CSE_CHECKPOINT: {
    hint: (error) =>
      isOutOfFiles(error.cause)
        ? undefined
        : 'Name another directory with --checkpoint-dir (or OSS_CSE_CHECKPOINT_DIR), or give --no-resume.',
  },
  ERR_CSE_CREDENTIALS_EXPIRED: {
    message: () =>
      'The service refused the credentials, because their security token has expired. Set new ones (OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_SESSION_TOKEN), or unset these variables to use the standard chain, which renews its credentials.',
  },
  ERR_CSE_METADATA_TOO_LARGE: { hint: () => 'Shorten --meta or --matdesc.' },
  ERR_CSE_NETWORK: {
    message: (error) => plainHttpText(error.cause) ?? error.message,
  },
  ERR_CSE_NOT_ENCRYPTED: {
    // Without an object key, the error is about a file and has the command line's own message.
    message: ({ objectKey, message }) =>
      objectKey === undefined
        ? message
        : `${objectKey} has no encryption envelope: it was stored in plaintext, or its metadata was stripped. If you expect a plain object, read it with --on-plain-object passthrough.`,
  },
  ERR_CSE_QUEUE: {
    hint: () =>
      'Check the database of --queue (or OSS_CSE_FLEET_QUEUE), or the directory of the run, and run the same command again.',
  },
  ERR_CSE_TIMEOUT: {
    // The command line has no option for this time limit.
    message: ({ message }) => message.replace(/ \([A-Za-z]+Ms\)/, ''),
    hint: () => 'Check the network, the endpoint and the proxy, and run the same command again.',
  },
}

/** Returns how the command line reports a library's error. */
export function tellingOf(error: CseError): { readonly message: string; readonly hint: string | undefined } {
  const telling = Object.hasOwn(TELLINGS, error.code) ? TELLINGS[error.code] : undefined
  return {
    message: inWords(telling?.message?.(error) ?? error.message, RUNNING_WORDS),
    hint: telling?.hint?.(error),
  }
}

/** Whether a limit of the machine is the cause, and not a directory or setting. */
export function isMachineLimit(cause: unknown): boolean {
  return isOutOfFiles(cause) || ['ENOSPC', 'EDQUOT', 'EIO'].includes(systemCode(cause) ?? '')
}

function isOutOfFiles(cause: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCode(cause) ?? '')
}

/** OpenSSL's messages for a response that is not TLS. */
const NOT_TLS = /wrong version number|packet length too long|http request/

function plainHttpText(cause: unknown): string | undefined {
  const code = systemCode(cause)
  if (code === undefined || !/^EPROTO$|^ERR_SSL_/.test(code)) return undefined
  return NOT_TLS.test((cause as Error).message)
    ? 'The server speaks plain HTTP, not TLS. Begin the endpoint with http:// (--endpoint or OSS_ENDPOINT).'
    : `The TLS handshake with the server failed (${code}). If the server speaks plain HTTP, begin the endpoint with http:// (--endpoint or OSS_ENDPOINT).`
}
