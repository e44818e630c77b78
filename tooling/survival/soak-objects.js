import { FORMATS } from './formats.js'

const MIB = 1024 ** 2
const MAX_BYTES = 30 * MIB

/** From which length on objects go in parts, and the length of parts. */
const PART_BYTES = MIB

/** Each tenth object is one for the worker threads of large files, in small parts. */
const LARGE = { every: 10, index: 4, minBytes: 8 * MIB, maxBytes: 12 * MIB, partBytes: MIB / 4 }

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
/** Of the segments of sealed objects: what fits into the first one, and one byte more or less. */
const SEALED_EDGES = [65_479, 65_480, 65_481]
/** Half of them without. */
const STORES = ['none', 'memory', 'none', 'file']
const MAX_ATTEMPTS = 6
/** Of what can go on after a failure: so that it often has to. */
const MAX_ATTEMPTS_RESUMABLE = 1

/**
 * @typedef {import('./retried-transfer.js').TransferredObject & { sends: 'client' | 'workers' }} SoakObject - `sends`: who
 * sends its bytes when it is large, a client that the app made or the worker threads
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
      format: formatOf(index),
      ...sizesOf(index, random),
      store,
      maxAttempts: store === 'none' ? MAX_ATTEMPTS : MAX_ATTEMPTS_RESUMABLE,
      sends: index % 2 === 0 ? 'workers' : 'client',
    }
  })
}

/** By turns, and of the edges those of segments are sealed. */
function formatOf(index) {
  return isSealedEdge(index) ? 'sealed' : FORMATS[Math.floor(index / 2) % FORMATS.length]
}

function isSealedEdge(index) {
  return index >= EDGES.length && index < EDGES.length + SEALED_EDGES.length
}

function sizesOf(index, random) {
  const { every, minBytes, maxBytes, partBytes } = LARGE
  const anySize = Math.floor(Math.exp(random.next() * Math.log(MAX_BYTES)))
  if (isSealedEdge(index)) return { sizeBytes: SEALED_EDGES[index - EDGES.length], partBytes: PART_BYTES }
  if (index >= EDGES.length && index % every === LARGE.index) {
    return { sizeBytes: random.integer(minBytes, maxBytes), partBytes }
  }
  return { sizeBytes: EDGES[index] ?? anySize, partBytes: PART_BYTES }
}
