import { CseError } from '@oss-cse/crypto-core'

/** Where parts and intents are. A result cannot have such a name. */
const DIRECTORIES: ReadonlySet<string> = new Set(['parts', 'intents'])

/** The file of a part, and the name of the part in it. */
export const PART_FILE: RegExp = /^(\d{10}-\d{4})\.jsonl$/

/** The name of the directory of a shard's intents. */
const SHARD_NAME = /^\d{10}$/

/**
 * Returns the name of the file of a part.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a name that is none of `partName`
 */
export function partFile(partName: string): string {
  const name = `${partName}.jsonl`
  if (PART_FILE.test(name)) return name
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The name of a part must be ten digits, "-" and four digits: ${partName}.`,
  )
}

/** The file of a record of intents, and the id of the record in it. */
export const INTENTS_FILE: RegExp = /^([0-9a-f-]{36})\.jsonl$/

/**
 * Returns the name of the directory of a shard's intents.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a name that is none of `shardName`
 */
export function intentsDirectory(shardName: string): string {
  if (SHARD_NAME.test(shardName)) return `intents/${shardName}`
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `The name of a shard must have ten digits: ${shardName}.`)
}

/**
 * Returns the name of the file of a record of intents.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an id that is none
 */
export function intentsFile(id: string): string {
  const name = `${id}.jsonl`
  if (INTENTS_FILE.test(name)) return name
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `This is no id of intents: ${id}.`)
}

/**
 * Checks the name of a result, which must not lead to another directory.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedResultName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(name) && !DIRECTORIES.has(name)) return name
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The name of a result must be letters, digits, ".", "_" and "-": ${name}.`,
  )
}
