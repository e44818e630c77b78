import { open } from 'node:fs/promises'
import { concatBytes } from '@oss-cse/crypto-core'
import { BLOCK_BYTES } from '@oss-cse/crypto-core/internal'
import type { DemoStep } from '../demo-step.ts'
import { formatCount } from '../format.ts'

const RANGE_BYTES = 1000
/** In the middle of a file of 64 MiB, and not at the start of a cipher block. */
const RANGE_START = 32 * 1024 * 1024 + 5

/** Reads a thousand bytes out of the middle of the large file. */
export const readRange: DemoStep = async ({ stage, screen, checks }) => {
  const { key, path, sizeBytes } = stage.noise
  const end = RANGE_START + RANGE_BYTES - 1
  screen.note(
    `Bytes ${formatCount(RANGE_START)} to ${formatCount(end)} of ${key}. Counter mode can start at any ${BLOCK_BYTES}-byte block, so oss-cse downloads only the blocks that it needs.`,
  )
  stage.emulator.resetRequests()
  const result = await stage.bucket.get(key, { range: { start: RANGE_START, end } })
  const chunks: Uint8Array[] = []
  for await (const chunk of result.body) chunks.push(chunk)
  const sentBytes = stage.emulator.requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0)
  const original = await readSlice(path, RANGE_START, RANGE_BYTES)
  checks.that(
    original.equals(concatBytes(chunks)),
    `${formatCount(RANGE_BYTES)} decrypted bytes match the same bytes of the file`,
  )
  checks.that(
    stage.emulator.requests.length === 1 && sentBytes === RANGE_BYTES + (RANGE_START % BLOCK_BYTES),
    `The server sent ${formatCount(sentBytes)} of ${formatCount(sizeBytes)} bytes, in one response`,
  )
}

async function readSlice(path: string, start: number, sizeBytes: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const slice = Buffer.alloc(sizeBytes)
    await file.read(slice, 0, sizeBytes, start)
    return slice
  } finally {
    await file.close()
  }
}
