import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What lies in a checkpoint directory. */
export function checkpointFiles(directory) {
  return readdirSync(directory)
}

/**
 * The one record of a checkpoint directory, read as a stranger reads it.
 *
 * @returns {object | undefined} `undefined` when there is none
 * @throws {Error} when it is damaged, or there are several
 */
export function onlyRecord(directory) {
  const names = checkpointFiles(directory).filter((name) => name.endsWith('.json'))
  if (names.length === 0) return undefined
  if (names.length > 1) throw new Error(`there are ${names.length} records`)
  const { record, sha256 } = JSON.parse(readFileSync(join(directory, names[0]), 'utf8'))
  const digest = createHash('sha256').update(JSON.stringify(record)).digest('hex')
  if (digest !== sha256) throw new Error('the record is damaged')
  return record
}
