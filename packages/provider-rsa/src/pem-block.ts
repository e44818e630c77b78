import { CseError } from '@oss-cse/crypto-core'
import { type KeyForm, recognizeKeyForm } from './key-form.ts'
import type { KeyData, KeyPlace } from './key-place.ts'

/** One `-----BEGIN …-----` block, its lines made regular. */
export interface PemBlock {
  readonly label: string
  /** The header lines, such as `Proc-Type: 4,ENCRYPTED`. */
  readonly headers: readonly string[]
  readonly base64: string
  /** True when the key inside needs a passphrase. */
  readonly encrypted: boolean
  /** The block as OpenSSL likes it: line feeds only, 64 characters a line. */
  readonly text: string
}

const PEM_LINE = /-----(BEGIN|END) ([A-Z0-9 ]+)-----/g

/**
 * The blocks of a PEM text: at least one, none of them empty.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`; where the key is in another form, the message says in which, and how to
 * convert it
 */
export function pemBlocks(data: KeyData, place: KeyPlace): readonly PemBlock[] {
  const pem = typeof data === 'string' ? data : Buffer.from(data).toString('utf8')
  const blocks = wholeBlocks(pem)
  if (blocks.length > 0) {
    if (blocks.every(({ base64 }) => base64 !== '')) return blocks
    throw unreadable(place)
  }
  if (pem.includes('-----BEGIN ')) {
    throw invalidKey(
      `The PEM in ${place.name} is cut off: the END line that belongs to its BEGIN line is missing.`,
    )
  }
  const form = recognizeKeyForm(data)
  if (form !== undefined) throw wrongForm(form, place)
  throw invalidKey(`${place.subject} holds no PEM block. ${place.whenNoPem(data)}`)
}

/** An `ERR_CSE_INVALID_KEY` of a key that is not in PEM: in which form it is, and the command that converts it. */
export function wrongForm({ name, toPrivateKey, toPublicKey }: KeyForm, place: KeyPlace): CseError {
  const command = place.half === 'private' ? toPrivateKey : toPublicKey
  if (command !== undefined) {
    return invalidKey(`${place.subject} holds ${name}, and PEM is needed. Convert it: \`${command}\`.`)
  }
  const other = toPrivateKey ?? toPublicKey
  return invalidKey(`${place.subject} holds ${name}.${other === undefined ? '' : ` ${place.whenOtherHalf}`}`)
}

/**
 * The blocks from each BEGIN line to the next END line of the same label; a BEGIN line without one is text like any other.
 * Not one pattern for a block: over many BEGIN lines it would search the rest of the text again and again.
 */
function wholeBlocks(pem: string): readonly PemBlock[] {
  const lines = Array.from(pem.matchAll(PEM_LINE), ({ 0: line, 1: kind, 2: label = '', index }) => ({
    isEnd: kind === 'END',
    label,
    start: index,
    end: index + line.length,
  }))
  const lastEnds = new Map(lines.filter(({ isEnd }) => isEnd).map(({ label, start }) => [label, start]))
  const blocks: PemBlock[] = []
  let open: (typeof lines)[number] | undefined
  for (const line of lines) {
    if (open === undefined) {
      if (!line.isEnd && line.start < (lastEnds.get(line.label) ?? 0)) open = line
    } else if (line.isEnd && line.label === open.label) {
      blocks.push(pemBlock(open.label, pem.slice(open.end, line.start)))
      open = undefined
    }
  }
  return blocks
}

function pemBlock(label: string, body: string): PemBlock {
  // A .env file that is read without unescaping leaves the two characters `\n` where the line breaks were.
  const lines = body
    .replaceAll('\\r', '')
    .replaceAll('\\n', '\n')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
  // Only the header lines of a block that is encrypted as a whole have a colon: it is not in the alphabet of base64.
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
    headers,
    base64,
    encrypted,
    text: `-----BEGIN ${label}-----\n${head}${wrapped}-----END ${label}-----\n`,
  }
}

/** An `ERR_CSE_INVALID_KEY`: what is wrong with a key, and what to do about it. */
export function invalidKey(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_KEY', message)
}

/** What is said of a block whose contents are no key. */
export function unreadable(place: KeyPlace): CseError {
  return invalidKey(
    `The PEM in ${place.name} is damaged: its contents cannot be read as a key. Copy it afresh.`,
  )
}

/** Tells whether the bytes are one DER SEQUENCE, neither cut off nor followed by anything. */
export function isWholeDerSequence(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes
  if (tag !== 0x30) return false
  if (first < 0x80) return bytes.length === 2 + first
  const lengthBytes = bytes.subarray(2, 2 + (first & 0x7f))
  const length = lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return bytes.length === 2 + (first & 0x7f) + length
}
