import { decodeBase64, encodeBase64 } from '@oss-cse/crypto-core'
import { isEnvelopeHeader, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import type { StoredObject } from '@oss-cse/oss-emulator'
import type { DemoContext, DemoStep } from '../demo-step.ts'
import { PROMISE } from '../letter.ts'
import { BUCKET, type Stage } from '../stage.ts'

/** Alters copies of the stored letter in every way, and reads them. */
export const tamper: DemoStep = async (context) => {
  const { stage, screen, checks } = context
  const { bucket, emulator, letter } = stage
  screen.note('The letter is altered on the server or in transit, and then read:')
  const stored = await emulator.getStoredObject(BUCKET, letter.key)
  if (stored === undefined) throw new Error(`${letter.key} is not on the server`)
  const read = (key: string) => () => bucket.getBytes(key)

  await plant(stage, 'wrapped-key-altered.txt', { ...stored, headers: alterWrappedKey(stored.headers) })
  await checks.refused(
    'One bit of the wrapped key flipped: refused',
    'ERR_CSE_UNWRAP_FAILED',
    read('wrapped-key-altered.txt'),
  )

  const { [V2_HEADERS.wrappedIv]: _start, ...withoutStart } = stored.headers
  await plant(stage, 'envelope-damaged.txt', { ...stored, headers: withoutStart })
  await checks.refused(
    'One envelope header removed: refused',
    'ERR_CSE_ENVELOPE_DAMAGED',
    read('envelope-damaged.txt'),
  )

  const withoutEnvelope = Object.entries(stored.headers).filter(([name]) => !isEnvelopeHeader(name))
  await plant(stage, 'envelope-stripped.txt', { ...stored, headers: Object.fromEntries(withoutEnvelope) })
  await checks.refused(
    'The whole envelope removed: refused, not read as a plain file',
    'ERR_CSE_NOT_ENCRYPTED',
    read('envelope-stripped.txt'),
  )

  await plant(stage, 'cut-short.txt', { ...stored, bytes: stored.bytes.subarray(0, -1) })
  await checks.refused('The last byte cut off: refused', 'ERR_CSE_INTEGRITY', read('cut-short.txt'))

  emulator.injectFault({ kind: 'corrupt-body', method: 'GET', key: letter.key })
  await checks.refused(
    'One bit flipped in transit: refused, the checksum does not match',
    'ERR_CSE_INTEGRITY',
    read(letter.key),
  )

  await showLimit(context, stored)
}

/** Shows what the format cannot prevent: a writer flips a bit, and the server computes a matching checksum. */
async function showLimit({ stage, screen, checks }: DemoContext, stored: StoredObject): Promise<void> {
  const { dim, yellow } = screen.colours
  const key = 'content-altered.txt'
  const original = Buffer.from(await stage.bucket.getBytes(stage.letter.key))
  const digit = original.indexOf(PROMISE) + PROMISE.indexOf('1')
  const bytes = Uint8Array.from(stored.bytes)
  // "1" and "9" differ in this bit, in the plaintext as in the ciphertext.
  bytes[digit] = (bytes[digit] ?? 0) ^ 0x08
  await plant(stage, key, { ...stored, bytes })
  const altered = Buffer.from(await stage.bucket.getBytes(key))
  const expected = Buffer.from(original)
  expected[digit] = 0x39
  screen.blank()
  checks.limit(
    altered.equals(expected),
    'A known limit: anyone who can write to the bucket can flip a bit. The server computes a new checksum, and nobody notices the change:',
  )
  const sentence = (text: Buffer): string => {
    const start = digit - PROMISE.indexOf('1')
    return `"${text.subarray(start, start + PROMISE.length).toString()}."`
  }
  screen.line(`  ${dim('written ')}  ${sentence(original)}`)
  screen.line(`  ${dim('read    ')}  ${yellow(sentence(altered))}`)
  screen.marked(
    ' ',
    'AES-CTR, the only cipher of this format, hides content but does not authenticate it. See docs/THREAT_MODEL.md.',
    dim,
  )
}

async function plant(stage: Stage, key: string, object: StoredObject): Promise<void> {
  await stage.emulator.putStoredObject(BUCKET, key, object)
}

function alterWrappedKey(headers: StoredObject['headers']): Record<string, string> {
  const wrapped = decodeBase64(headers[V2_HEADERS.wrappedCek] ?? '') ?? new Uint8Array()
  const last = wrapped.length - 1
  wrapped[last] = (wrapped[last] ?? 0) ^ 1
  return { ...headers, [V2_HEADERS.wrappedCek]: encodeBase64(wrapped) }
}
