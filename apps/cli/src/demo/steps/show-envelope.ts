import { createDecipheriv } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type ContentKey, decodeEnvelope, encodeBase64, type HeaderMap, wipe } from '@oss-cse/crypto-core'
import type { DemoStep } from '../demo-step.ts'
import { ENVELOPE_PREFIX, envelopeRows } from '../envelope-view.ts'
import { printEnvelope } from '../print-envelope.ts'
import { BUCKET, type Stage } from '../stage.ts'

/** Shows the envelope of the letter, and opens it with the master key. */
export const showEnvelope: DemoStep = async ({ stage, screen, checks }) => {
  const { letter, noise } = stage
  const { headers } = await stage.transport.head({ key: letter.key, headers: {} })
  screen.note(
    `Headers of ${letter.key}, without their common prefix ${ENVELOPE_PREFIX}. "Wrapped" means encrypted with the master key.`,
  )
  screen.blank()
  printEnvelope(screen, envelopeRows(headers))
  screen.blank()
  const contentKey = await unwrap(stage, headers)
  const other = await unwrap(stage, (await stage.transport.head({ key: noise.key, headers: {} })).headers)
  try {
    const stored = await stage.emulator.getStoredObject(BUCKET, letter.key)
    const bytes = Buffer.from(stored?.bytes ?? [])
    const decipher = createDecipheriv('aes-256-ctr', contentKey.cek, contentKey.iv)
    const plaintext = Buffer.concat([decipher.update(bytes), decipher.final()])
    checks.that(
      plaintext.equals(await readFile(letter.path)),
      'The master key unwraps the two, and plain AES-256-CTR decrypts the letter',
    )
    checks.that(
      !showsKey(headers, contentKey) && !bytes.includes(asBuffer(contentKey.cek)),
      'The content key itself is not on the server: neither in the headers nor in the content',
    )
    checks.that(
      Buffer.compare(contentKey.cek, other.cek) !== 0,
      `${noise.key} has another content key: each object has its own`,
    )
  } finally {
    wipe(contentKey.cek, other.cek)
  }
}

async function unwrap(stage: Stage, headers: HeaderMap): Promise<ContentKey> {
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw new Error('the object has no envelope')
  return stage.provider.unwrap(envelope)
}

function showsKey(headers: HeaderMap, { cek }: ContentKey): boolean {
  const text = Object.values(headers).join('\n')
  return text.includes(encodeBase64(cek)) || text.toLowerCase().includes(asBuffer(cek).toString('hex'))
}

/** A view, not a copy that would have to be wiped too. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
