import { fleetOutcome } from '../fleet-run.js'

/**
 * A rotation of many objects in a bucket that keeps versions, by processes that are killed and stopped, while requests fail,
 * the database restarts, and a writer changes objects.
 *
 * @param {{ keys: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export function fleetRotate({ keys, seed }) {
  return fleetOutcome('fleet-rotate', {
    objects: keys,
    seed,
    command: 'rotate',
    options: ['--to', 'new', '--yes'],
    versioned: true,
    moments: ['put', 'after-put', 'get', 'head'],
    kinds: ['aes-ctr', 'v1', 'sealed'],
    changes: ['plain', 'old', 'new', 'delete'],
  })
}
