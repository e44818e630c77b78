import { CseError } from '@oss-cse/crypto-core'

/** The file of a part, and the name of the part in it. */
export const PART_FILE: RegExp = /^(\d{10})\.jsonl$/

/**
 * Returns the name of the file of a part.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a name that is none of `shardName`
 */
export function partFile(shardName: string): string {
  const name = `${shardName}.jsonl`
  if (PART_FILE.test(name)) return name
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `The name of a part must have ten digits: ${shardName}.`)
}

/**
 * Checks the name of a result, which must not lead to another directory.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedResultName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(name) && name !== 'parts') return name
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The name of a result must be letters, digits, ".", "_" and "-": ${name}.`,
  )
}
