import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { CseError, decodeBase64 } from '@oss-cse/crypto-core'
import { recognizePemLabel } from './key-form.ts'
import { KEY_OPTIONS, type KeyData, type KeyPlace } from './key-place.ts'
import {
  invalidKey,
  isWholeDerSequence,
  type PemBlock,
  pemBlocks,
  unreadable,
  wrongForm,
} from './pem-block.ts'

/** A string is encoded as UTF-8. Bytes are used unchanged. */
export type Passphrase = string | Buffer

const PRIVATE_LABELS: readonly string[] = ['RSA PRIVATE KEY', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY']
const PUBLIC_LABELS: readonly string[] = ['RSA PUBLIC KEY', 'PUBLIC KEY', 'CERTIFICATE']

/**
 * Reads the one RSA private key of a PEM text: PKCS#1 or PKCS#8, in plaintext or encrypted. Text around the block,
 * certificates beside it, and the kind of line break do not matter.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`, `ERR_CSE_PASSPHRASE`
 */
export function readPrivateKey(
  pem: KeyData,
  passphrase: Passphrase | undefined,
  place: KeyPlace = KEY_OPTIONS.privateKey,
): KeyObject {
  const blocks = pemBlocks(pem, place)
  const candidates = blocks.filter(isPrivate)
  const [block] = candidates
  if (block === undefined) {
    throw blocks.some(({ label }) => PUBLIC_LABELS.includes(label))
      ? invalidKey(`${place.subject} contains a public key or a certificate. ${place.whenOtherHalf}`)
      : unknownForm(blocks, PRIVATE_LABELS, place)
  }
  if (candidates.length > 1) {
    throw invalidKey(`${place.subject} contains ${candidates.length} private keys. Keep one of them.`)
  }
  if (!PRIVATE_LABELS.includes(block.label)) {
    const form = recognizePemLabel(block.label)
    throw form === undefined ? notRsa(place) : wrongForm(form, place)
  }
  return requireRsa(block.encrypted ? decryptKey(block, passphrase, place) : parseKey(block, place), place)
}

/**
 * Reads the RSA public key of a PEM text: PKCS#1, SPKI, or an X.509 certificate. Several certificates in a row count
 * as a chain that starts with its own certificate. A certificate is only a container here: neither its dates nor its
 * signature are checked.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`
 */
export function readPublicKey(pem: KeyData, place: KeyPlace = KEY_OPTIONS.publicKey): KeyObject {
  const blocks = pemBlocks(pem, place)
  // OpenSSL would silently use the public half, and nobody would notice that a secret is in the wrong place.
  if (blocks.some(isPrivate)) {
    throw invalidKey(`${place.subject} contains a private key. ${place.whenOtherHalf}`)
  }
  const block = blocks.find(({ label }) => PUBLIC_LABELS.includes(label))
  if (block === undefined) throw unknownForm(blocks, PUBLIC_LABELS, place)
  // OpenSSL would ask for the passphrase on the terminal and block the process.
  if (block.encrypted) {
    throw invalidKey(
      `${place.subject} contains an encrypted public key. It is no secret. Derive it again from the private key, in plaintext: \`openssl pkey -pubout\`.`,
    )
  }
  let key: KeyObject
  try {
    key = createPublicKey({ key: block.text, format: 'pem' })
  } catch {
    throw unreadable(place)
  }
  return requireRsa(key, place)
}

function isPrivate({ label }: PemBlock): boolean {
  return label.endsWith('PRIVATE KEY')
}

function parseKey(block: PemBlock, place: KeyPlace): KeyObject {
  try {
    return createPrivateKey({ key: block.text, format: 'pem' })
  } catch {
    throw unreadable(place)
  }
}

function decryptKey(block: PemBlock, passphrase: Passphrase | undefined, place: KeyPlace): KeyObject {
  const bytes = decodeBase64(block.base64)
  // In a legacy PKCS#1 block everything is encrypted. A PKCS#8 block still shows whether it is complete.
  const whole = bytes !== undefined && (block.label !== 'ENCRYPTED PRIVATE KEY' || isWholeDerSequence(bytes))
  if (!whole) throw unreadable(place)
  if (passphrase === undefined) {
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      'The private key is encrypted. Pass its passphrase in the `passphrase` option.',
    )
  }
  try {
    return createPrivateKey({ key: block.text, format: 'pem', passphrase })
  } catch {
    // A wrong passphrase causes either bad padding or garbage that does not parse. Both are one error.
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      'The private key could not be decrypted: the passphrase is wrong, the key is damaged, or it is encrypted with an old cipher that this Node.js does not support (then convert it: `openssl pkcs8 -topk8 -v2 aes-256-cbc`).',
    )
  }
}

function requireRsa(key: KeyObject, place: KeyPlace): KeyObject {
  if (key.asymmetricKeyType !== 'rsa') throw notRsa(place)
  return key
}

function notRsa(place: KeyPlace): CseError {
  return invalidKey(
    `The key in ${place.name} is not an RSA key that can encrypt (EC, Ed25519, DSA and RSA-PSS keys cannot). Make one with generateRsaKeyPair().`,
  )
}

function unknownForm(blocks: readonly PemBlock[], labels: readonly string[], place: KeyPlace): CseError {
  const [form] = blocks.flatMap(({ label }) => recognizePemLabel(label) ?? [])
  if (form !== undefined) return wrongForm(form, place)
  return invalidKey(
    `${place.subject} contains no usable key. It accepts PEM blocks of these kinds: ${labels.join(', ')}.`,
  )
}
