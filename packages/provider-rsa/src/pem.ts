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
 * Reads the only RSA private key of a PEM text: PKCS#1 or PKCS#8, in plaintext or encrypted. It ignores text around the
 * block and certificates beside it. It accepts each kind of line break.
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
      ? invalidKey(`${place.subject} holds a public key or a certificate. ${place.whenOtherHalf}`)
      : unknownForm(blocks, PRIVATE_LABELS, place)
  }
  if (candidates.length > 1) {
    throw invalidKey(`${place.subject} holds ${candidates.length} private keys. Keep only one.`)
  }
  if (!PRIVATE_LABELS.includes(block.label)) {
    const form = recognizePemLabel(block.label)
    throw form === undefined ? notRsa(place) : wrongForm(form, place)
  }
  return requireRsa(block.encrypted ? decryptKey(block, passphrase, place) : parseKey(block, place), place)
}

/**
 * Reads the RSA public key of a PEM text: PKCS#1, SPKI, or an X.509 certificate. Several certificates are a chain, and
 * the first one counts. A certificate is only a container here: neither its dates nor its signature is checked.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`
 */
export function readPublicKey(pem: KeyData, place: KeyPlace = KEY_OPTIONS.publicKey): KeyObject {
  const blocks = pemBlocks(pem, place)
  // OpenSSL would silently use the public half, and nobody would notice a secret in the wrong place.
  if (blocks.some(isPrivate)) {
    throw invalidKey(`${place.subject} holds a private key. ${place.whenOtherHalf}`)
  }
  const block = blocks.find(({ label }) => PUBLIC_LABELS.includes(label))
  if (block === undefined) throw unknownForm(blocks, PUBLIC_LABELS, place)
  // OpenSSL would ask for the passphrase on the terminal and block the process until someone types it.
  if (block.encrypted) {
    throw invalidKey(
      `${place.subject} holds an encrypted public key. A public key is not secret. Derive it again from the private key, in plaintext: \`openssl pkey -pubout\`.`,
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
  // A legacy PKCS#1 block is encrypted entirely. A PKCS#8 block still shows whether it is complete.
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
    // A wrong passphrase sometimes fails as bad padding, sometimes as garbage that does not parse: one error for both.
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      'The private key could not be decrypted: the passphrase is wrong, the key is damaged, or it is encrypted with an old cipher that this Node.js does not support. Convert a key with an old cipher: `openssl pkcs8 -topk8 -v2 aes-256-cbc`.',
    )
  }
}

function requireRsa(key: KeyObject, place: KeyPlace): KeyObject {
  if (key.asymmetricKeyType !== 'rsa') throw notRsa(place)
  return key
}

function notRsa(place: KeyPlace): CseError {
  return invalidKey(
    `The key in ${place.name} is not an RSA key that can encrypt (EC, Ed25519, DSA and RSA-PSS keys cannot). Generate one with generateRsaKeyPair().`,
  )
}

function unknownForm(blocks: readonly PemBlock[], labels: readonly string[], place: KeyPlace): CseError {
  const [form] = blocks.flatMap(({ label }) => recognizePemLabel(label) ?? [])
  if (form !== undefined) return wrongForm(form, place)
  return invalidKey(
    `${place.subject} holds no usable key. It accepts these PEM blocks: ${labels.join(', ')}.`,
  )
}
