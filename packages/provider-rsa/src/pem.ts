import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { CseError, decodeBase64 } from '@oss-cse/crypto-core'

/** One `-----BEGIN …-----` block, its lines made regular. */
interface PemBlock {
  readonly label: string
  readonly base64: string
  /** True when the key inside needs a passphrase. */
  readonly encrypted: boolean
  /** The block as OpenSSL likes it: line feeds only, 64 characters a line. */
  readonly text: string
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs
const PRIVATE_LABELS: readonly string[] = ['RSA PRIVATE KEY', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY']
const PUBLIC_LABELS: readonly string[] = ['RSA PUBLIC KEY', 'PUBLIC KEY', 'CERTIFICATE']

/**
 * Reads the one RSA private key of a PEM text: PKCS#1 or PKCS#8, in clear or encrypted. Text around the block,
 * certificates beside it, and the kind of line break do not matter.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`, `ERR_CSE_PASSPHRASE`
 */
export function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  const blocks = pemBlocks(pem, 'privateKey')
  const candidates = blocks.filter(isPrivate)
  const [block] = candidates
  if (block === undefined) {
    throw blocks.some(({ label }) => PUBLIC_LABELS.includes(label))
      ? invalidKey(
          'The `privateKey` option holds a public key or a certificate. Give the private key there, or move this one to `publicKey` to encrypt only.',
        )
      : unknownForm('privateKey')
  }
  if (candidates.length > 1) {
    throw invalidKey(
      `The \`privateKey\` option holds ${candidates.length} private keys. Give the text of one of them.`,
    )
  }
  if (block.label === 'OPENSSH PRIVATE KEY') {
    throw invalidKey(
      'The `privateKey` option holds a key in the form of OpenSSH. Convert a copy of it: `ssh-keygen -p -m PEM -f copy`.',
    )
  }
  if (!PRIVATE_LABELS.includes(block.label)) throw notRsa('privateKey')
  return requireRsa(block.encrypted ? decryptKey(block, passphrase) : parseKey(block), 'privateKey')
}

/**
 * Reads the RSA public key of a PEM text: PKCS#1, SPKI, or an X.509 certificate, of which several in a row are
 * taken for a chain with its own certificate first. A certificate is a container here: neither its dates nor
 * its signature are checked.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`
 */
export function readPublicKey(pem: string): KeyObject {
  const blocks = pemBlocks(pem, 'publicKey')
  // OpenSSL would take the public half without a word, and nobody would learn that a secret lies in the wrong place.
  if (blocks.some(isPrivate)) {
    throw invalidKey(
      'The `publicKey` option holds a private key. Move it to `privateKey`, which also encrypts; where only encryption is wanted, derive the public key: `openssl pkey -pubout`.',
    )
  }
  const block = blocks.find(({ label }) => PUBLIC_LABELS.includes(label))
  if (block === undefined) throw unknownForm('publicKey')
  let key: KeyObject
  try {
    key = createPublicKey({ key: block.text, format: 'pem' })
  } catch {
    throw unreadable('publicKey')
  }
  return requireRsa(key, 'publicKey')
}

/** An `ERR_CSE_INVALID_KEY`: what is wrong with a key, and what to do about it. */
export function invalidKey(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_KEY', message)
}

function pemBlocks(pem: string, option: string): readonly PemBlock[] {
  const blocks = Array.from(pem.matchAll(PEM_BLOCK), (match) =>
    pemBlock(match[1] as string, match[2] as string),
  )
  if (blocks.length > 0) {
    if (blocks.every(({ base64 }) => base64 !== '')) return blocks
    throw unreadable(option)
  }
  if (pem.includes('-----BEGIN ')) {
    throw invalidKey(
      `The PEM in \`${option}\` is cut off: the END line that belongs to its BEGIN line is missing.`,
    )
  }
  throw invalidKey(
    `The \`${option}\` option holds no PEM block. Give the text of the key file (\`-----BEGIN …\`), not its path.`,
  )
}

function pemBlock(label: string, body: string): PemBlock {
  // A .env file that is read without unescaping leaves the two characters `\n` where the line breaks were.
  const lines = body
    .replaceAll('\\r', '')
    .replaceAll('\\n', '\n')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
  // Only the header lines of an encrypted PKCS#1 key have a colon: it is not in the alphabet of base64.
  const headers = lines.filter((line) => line.includes(':'))
  const base64 = lines
    .filter((line) => !line.includes(':'))
    .join('')
    .replaceAll(/\s/g, '')
  const encrypted =
    label === 'ENCRYPTED PRIVATE KEY' || headers.some((line) => /^Proc-Type:.*ENCRYPTED/i.test(line))
  const head = headers.length === 0 ? '' : `${headers.join('\n')}\n\n`
  const wrapped = base64.replaceAll(/.{1,64}/g, '$&\n')
  return {
    label,
    base64,
    encrypted,
    text: `-----BEGIN ${label}-----\n${head}${wrapped}-----END ${label}-----\n`,
  }
}

function isPrivate({ label }: PemBlock): boolean {
  return label.endsWith('PRIVATE KEY')
}

function parseKey(block: PemBlock): KeyObject {
  try {
    return createPrivateKey({ key: block.text, format: 'pem' })
  } catch {
    throw unreadable('privateKey')
  }
}

function decryptKey(block: PemBlock, passphrase: string | undefined): KeyObject {
  const bytes = decodeBase64(block.base64)
  // Inside a legacy PKCS#1 block everything is encrypted; a PKCS#8 one still shows whether it is whole.
  const whole = bytes !== undefined && (block.label !== 'ENCRYPTED PRIVATE KEY' || isWholeDerSequence(bytes))
  if (!whole) throw unreadable('privateKey')
  if (passphrase === undefined) {
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      'The private key is encrypted. Give its passphrase in the `passphrase` option.',
    )
  }
  try {
    return createPrivateKey({ key: block.text, format: 'pem', passphrase })
  } catch {
    // A wrong passphrase fails now as bad padding, now as garbage that does not parse: one answer for all.
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      'The private key could not be decrypted: the passphrase is wrong, the key is damaged, or it is encrypted with an old cipher that this Node.js does not offer (then convert it: `openssl pkcs8 -topk8 -v2 aes-256-cbc`).',
    )
  }
}

/** Tells whether the bytes are one DER SEQUENCE, neither cut off nor followed by anything. */
function isWholeDerSequence(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes
  if (tag !== 0x30) return false
  if (first < 0x80) return bytes.length === 2 + first
  const lengthBytes = bytes.subarray(2, 2 + (first & 0x7f))
  const length = lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return bytes.length === 2 + (first & 0x7f) + length
}

function requireRsa(key: KeyObject, option: string): KeyObject {
  if (key.asymmetricKeyType !== 'rsa') throw notRsa(option)
  return key
}

function notRsa(option: string): CseError {
  return invalidKey(
    `The key in \`${option}\` is not an RSA key that can encrypt (EC, Ed25519, DSA and RSA-PSS keys cannot). Make one with generateRsaKeyPair().`,
  )
}

function unreadable(option: string): CseError {
  return invalidKey(
    `The PEM in \`${option}\` is damaged: its contents cannot be read as a key. Copy it afresh.`,
  )
}

function unknownForm(option: string): CseError {
  const labels = option === 'privateKey' ? PRIVATE_LABELS : PUBLIC_LABELS
  return invalidKey(
    `The \`${option}\` option holds no key that can be used there. It takes PEM blocks of these kinds: ${labels.join(', ')}.`,
  )
}
