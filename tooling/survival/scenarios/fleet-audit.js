import { fleetOutcome } from '../fleet-run.js'

/**
 * An audit of many objects by processes that are killed and stopped, while requests fail, the database restarts, and a
 * writer changes objects.
 *
 * @param {{ keys: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export function fleetAudit({ keys, seed }) {
  return fleetOutcome('fleet-audit', {
    objects: keys,
    seed,
    command: 'audit',
    options: [],
    versioned: false,
    moments: ['head'],
    kinds: ['plain', 'aes-ctr', 'v1', 'sealed'],
    changes: ['plain', 'old', 'new', 'delete'],
  })
}
