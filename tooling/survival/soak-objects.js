const MIB = 1024 ** 2
const MAX_BYTES = 30 * MIB

/** From which length on objects go in parts, and the length of parts. */
export const PART_BYTES = MIB

const EDGES = [
  0,
  1,
  15,
  16,
  17,
  PART_BYTES - 1,
  PART_BYTES,
  PART_BYTES + 1,
  2 * PART_BYTES - 1,
  2 * PART_BYTES + 1,
]
/** Half of them without. */
const STORES = ['none', 'memory', 'none', 'file']
const MAX_ATTEMPTS = 6
/** Of what can go on after a failure: so that it often has to. */
const MAX_ATTEMPTS_RESUMABLE = 1

/**
 * @typedef {object} SoakObject
 * @property {string} name
 * @property {number} sizeBytes
 * @property {'none' | 'memory' | 'file'} store - what its checkpoints are kept in
 * @property {number} maxAttempts - how often one request is sent
 */

/**
 * Objects of every order of size, the edges among them.
 *
 * @param {number} count
 * @param {import('./random.js').Random} random
 * @returns {SoakObject[]}
 */
export function soakObjects(count, random) {
  return Array.from({ length: count }, (_, index) => {
    const store = STORES[(index + Math.floor(index / STORES.length)) % STORES.length]
    return {
      name: `object-${index}`,
      sizeBytes: EDGES[index] ?? Math.floor(Math.exp(random.next() * Math.log(MAX_BYTES))),
      store,
      maxAttempts: store === 'none' ? MAX_ATTEMPTS : MAX_ATTEMPTS_RESUMABLE,
    }
  })
}
