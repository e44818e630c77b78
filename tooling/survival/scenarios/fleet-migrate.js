import { fleetOutcome } from '../fleet-run.js'

/**
 * A migration of many objects in a bucket that keeps versions, by processes that are killed and stopped, while requests fail,
 * the database restarts, and a writer changes objects.
 *
 * @param {{ keys: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export function fleetMigrate({ keys, seed }) {
  return fleetOutcome('fleet-migrate', {
    objects: keys,
    seed,
    command: 'migrate',
    options: ['--yes'],
    versioned: true,
    moments: ['put', 'after-put', 'get', 'head'],
    kinds: ['plain'],
    changes: ['plain', 'old', 'new', 'delete'],
  })
}
