import { CseError, type PartRange } from '@oss-cse/crypto-core'
import type { FileCipherResponse } from './file-cipher-messages.node.ts'

/** The error of a failure that a thread reported. */
export function systemError({ message, code }: NonNullable<FileCipherResponse['failure']>): Error {
  return Object.assign(new Error(message), { code })
}

/** The error of a part of a file that a thread could not encrypt. */
export function partFailure(
  { partNumber, sizeBytes }: PartRange,
  { failure, endedAfter }: FileCipherResponse,
): CseError {
  const what =
    failure === undefined ? `ended after ${endedAfter} of its ${sizeBytes} bytes` : 'could not be read'
  const cause = failure && systemError(failure)
  return new CseError('ERR_CSE_SOURCE', `Part ${partNumber} of the file ${what}.`, { cause })
}
