import { stat } from 'node:fs/promises'
import { CseError } from '@oss-cse/crypto-core'
import type { LocalInput } from './local-input.ts'

/**
 * Opens the bytes of an input, and compares a file with its state before: what was read while somebody wrote to it never was
 * the content of the file. Streams have no such state.
 *
 * @throws CseError while it is read: `ERR_CSE_SOURCE_CHANGED`, in place of the end
 */
export async function* unchangedInput(input: LocalInput): AsyncGenerator<Uint8Array, void, undefined> {
  const { path, sizeBytes } = input
  // A file without a length, as in /proc, is made while it is read.
  const state = async (): Promise<string | undefined> =>
    path === undefined || sizeBytes === undefined ? undefined : stateOf(path)
  const before = await state()
  let readBytes = 0
  for await (const chunk of input.open()) {
    readBytes += chunk.length
    yield chunk
  }
  if ((await state()) === before && (sizeBytes === undefined || readBytes === sizeBytes)) return
  throw new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    `${path} changed while it was being encrypted. Nothing was written. Run the same command again.`,
  )
}

async function stateOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
  return `${dev} ${ino} ${size} ${mtimeNs}`
}
