import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What lies in a checkpoint directory, but for the key that its records are authenticated by. */
export function checkpointFiles(directory) {
  return readdirSync(directory).filter((name) => name !== 'checkpoints.key')
}

/**
 * The one record of a checkpoint directory, read as a stranger reads it who has the key.
 *
 * @returns {object | undefined} `undefined` when there is none
 * @throws {Error} when it is damaged, or there are several
 */
export function onlyRecord(directory) {
  const names = checkpointFiles(directory).filter((name) => name.endsWith('.json'))
  if (names.length === 0) return undefined
  if (names.length > 1) throw new Error(`there are ${names.length} records`)
  const { format, record, mac } = JSON.parse(readFileSync(join(directory, names[0]), 'utf8'))
  const text = JSON.stringify([format, names[0].replace(/\.json$/, ''), record])
  const expected = createHmac('sha256', readFileSync(join(directory, 'checkpoints.key')))
    .update(text)
    .digest('hex')
  if (mac !== expected) throw new Error('the record is damaged')
  return record
}
