import { CseError } from '@oss-cse/crypto-core'
import { type KeyForm, recognizeKeyForm } from './key-form.ts'
import type { KeyData, KeyPlace } from './key-place.ts'

/** One `-----BEGIN …-----` block with normalized lines. */
export interface PemBlock {
  readonly label: string
  /** The header lines, such as `Proc-Type: 4,ENCRYPTED`. */
  readonly headers: readonly string[]
  readonly base64: string
  /** True if the key inside needs a passphrase. */
  readonly encrypted: boolean
  /** The block as OpenSSL expects it: line feeds only, 64 characters a line. */
  readonly text: string
}

const PEM_LINE = /-----(BEGIN|END) ([A-Z0-9 ]+)-----/g

/**
 * Returns the blocks of a PEM text: at least one, none of them empty.
 *
 * @throws CseError `ERR_CSE_INVALID_KEY`. If the key is in another format, the message names it and says how to convert
 * it.
 */
export function pemBlocks(data: KeyData, place: KeyPlace): readonly PemBlock[] {
  const pem = typeof data === 'string' ? data : Buffer.from(data).toString('utf8')
  const blocks = wholeBlocks(pem)
  if (blocks.length > 0) {
    if (blocks.every(({ base64 }) => base64 !== '')) return blocks
    throw unreadable(place)
  }
  if (pem.includes('-----BEGIN ')) {
    throw invalidKey(`The PEM in ${place.name} is truncated: the END line for its BEGIN line is missing.`)
  }
  const form = recognizeKeyForm(data)
  if (form !== undefined) throw wrongForm(form, place)
  throw invalidKey(`${place.subject} holds no PEM block. ${place.whenNoPem(data)}`)
}

/** An `ERR_CSE_INVALID_KEY` for a key that is not in PEM: it names the format and the command that converts it. */
export function wrongForm({ name, toPrivateKey, toPublicKey }: KeyForm, place: KeyPlace): CseError {
  const command = place.half === 'private' ? toPrivateKey : toPublicKey
  if (command !== undefined) {
    return invalidKey(`${place.subject} holds ${name}, but PEM is required. Convert it: \`${command}\`.`)
  }
  const other = toPrivateKey ?? toPublicKey
  return invalidKey(`${place.subject} holds ${name}.${other === undefined ? '' : ` ${place.whenOtherHalf}`}`)
}

/**
 * Returns each block from a BEGIN line to the next END line with the same label. A BEGIN line without an END line is
 * ordinary text. This is not one regular expression for a whole block: with many BEGIN lines, it would search the rest
 * of the text for each of them.
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
  // A .env file that is read without unescaping has the two characters `\n` in place of each line break.
  const lines = body
    .replaceAll('\\r', '')
    .replaceAll('\\n', '\n')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
  // A line with a colon is a header line, since base64 has no colon. Only a block that is encrypted as a whole has them.
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

/** An `ERR_CSE_INVALID_KEY`. The message says what is wrong with a key and what to do about it. */
export function invalidKey(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_KEY', message)
}

/** The error for a block whose content cannot be read as a key. */
export function unreadable(place: KeyPlace): CseError {
  return invalidKey(
    `The PEM in ${place.name} is damaged: its content cannot be read as a key. Copy it again.`,
  )
}

/** Returns whether the bytes are exactly one DER SEQUENCE: not truncated, and with nothing after it. */
export function isWholeDerSequence(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes
  if (tag !== 0x30) return false
  if (first < 0x80) return bytes.length === 2 + first
  const lengthBytes = bytes.subarray(2, 2 + (first & 0x7f))
  const length = lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return bytes.length === 2 + (first & 0x7f) + length
}
