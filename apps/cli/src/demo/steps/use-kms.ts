import { readFile } from 'node:fs/promises'
import { CryptoBucket } from '@oss-cse/bucket'
import { decodeEnvelope, encodeBase64, type HeaderMap, wipe } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import type { KmsEmulator } from '@oss-cse/kms-emulator'
import type { DemoContext, DemoStep } from '../demo-step.ts'
import { envelopeRows } from '../envelope-view.ts'
import { formatCount } from '../format.ts'
import { printEnvelope } from '../print-envelope.ts'

const KEY = 'letter-by-kms.txt'
/** Leaves out the headers that an RSA key has in the same way. */
const SHOWN: ReadonlySet<string> = new Set(['key', 'start', 'wrap-alg', 'matdesc'])

/** Encrypts the letter under a key in KMS, reads it, and looks at the requests to KMS. */
export const useKms: DemoStep = async (context) => {
  const { stage, screen, checks } = context
  const { emulator, provider, wiretap } = stage.kms
  const letter = await readFile(stage.letter.path)
  const bucket = new CryptoBucket({ transport: stage.transport, provider })
  screen.note(
    `An emulator of Alibaba Cloud KMS listens on http://127.0.0.1:${wiretap.port}, and the demo records all bytes sent to it. The master key never leaves KMS: KMS generates the content key, and returns it in plaintext and wrapped.`,
  )
  emulator.resetRequests()
  await bucket.put(KEY, letter)
  checks.that(
    wereAtOnce(emulator, ['Encrypt', 'GenerateDataKey']),
    'A write calls GenerateDataKey for the content key and Encrypt for the start of the counter, at the same time: one round trip',
  )
  emulator.resetRequests()
  const read = await bucket.getBytes(KEY)
  checks.that(
    wereAtOnce(emulator, ['Decrypt', 'Decrypt']) && letter.equals(read),
    'A read calls Decrypt twice, at the same time too. The letter is unchanged',
  )
  const { headers } = await stage.transport.head({ key: KEY, headers: {} })
  screen.blank()
  printEnvelope(
    screen,
    envelopeRows(headers).filter(({ name }) => SHOWN.has(name)),
  )
  screen.blank()
  await showWhatKmsSaw(context, headers)
  await emulator.disableKey(emulator.keyId)
  await checks.refused('The key is disabled in KMS: refused', 'ERR_CSE_MASTER_KEY_DISABLED', () =>
    bucket.getBytes(KEY),
  )
  await emulator.enableKey(emulator.keyId)
  checks.that(letter.equals(await bucket.getBytes(KEY)), 'The key is enabled again: the letter can be read')
}

/** Whether KMS got exactly these calls, and each began before the first response. */
function wereAtOnce({ requests }: KmsEmulator, operations: readonly string[]): boolean {
  const actions = requests.map(({ action }) => action).sort()
  const lastStart = Math.max(...requests.map(({ startedAt }) => startedAt))
  const firstEnd = Math.min(...requests.map(({ endedAt = 0 }) => endedAt))
  return actions.join() === operations.join() && lastStart < firstEnd
}

/** Looks for the content key in every byte that went to KMS. */
async function showWhatKmsSaw({ stage, checks }: DemoContext, headers: HeaderMap): Promise<void> {
  const { provider, wiretap } = stage.kms
  const envelope = decodeEnvelope(headers)
  if (envelope === undefined) throw new Error('the object has no envelope')
  const { cek } = await provider.unwrap(envelope)
  try {
    const sent = wiretap.sent()
    const text = percentDecoded(sent.toString('latin1'))
    const key = Buffer.from(cek.buffer, cek.byteOffset, cek.length)
    const shown = [key.toString('latin1'), key.toString('hex'), encodeBase64(cek), key.toString('base64url')]
    // Its wrapped form is there, so the recording is of these requests.
    const isRecorded = text.includes(headers[V2_HEADERS.wrappedCek] ?? '-')
    checks.that(
      isRecorded && !shown.some((form) => text.includes(form)) && !sent.includes(key),
      `The ${formatCount(sent.length)} bytes sent to KMS contain the wrapped key, but not the content key`,
    )
  } finally {
    wipe(cek)
  }
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
