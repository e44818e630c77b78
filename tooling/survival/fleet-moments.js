import { Random } from './random.js'

/**
 * @typedef {'head' | 'get' | 'put' | 'after-put'} Moment - which request of a worker for an object is waited for. It is held
 *   until what is to happen has happened. `after-put`: the list of the versions of the key, after a put
 * @typedef {object} FleetRequest - one that a worker sent
 * @property {string} worker - who sent it
 * @property {string} bucket
 * @property {string} key - empty if it is about the bucket
 * @property {string} operation - HEAD, GET, PUT and the like, for the content alone; otherwise `list`, `acl`, …
 */

const SUBRESOURCES = [
  'acl',
  'tagging',
  'versions',
  'versioning',
  'symlink',
  'uploads',
  'uploadId',
  'list-type',
]

/**
 * What a request is about.
 *
 * @param {import('node:http').IncomingMessage} request
 * @returns {FleetRequest | undefined} `undefined`: no worker sent it
 */
export function fleetRequest({ method, url, headers }) {
  const worker = headers['x-oss-security-token']
  if (worker === undefined) return undefined
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  // Path style: /BUCKET/KEY.
  const [, bucket, ...names] = pathname.split('/')
  const operation = SUBRESOURCES.find((name) => searchParams.has(name)) ?? method
  const key = decodeURIComponent(names.join('/'))
  // The versions of one key are listed by a request for the bucket.
  return { worker, bucket, operation, key: operation === 'versions' ? searchParams.get('prefix') : key }
}

/** Waits for moments in the work on objects. */
export class FleetMoments {
  #waiting = new Map()
  #put = new Set()

  /**
   * @param {string} key
   * @param {Moment} moment
   * @param {(request: FleetRequest) => Promise<void>} act - the request is held until it is done
   */
  add(key, moment, act) {
    this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), { moment, act }])
  }

  /** Lets a request pass, or does first what was to happen at this moment. @param {FleetRequest} request */
  async pass(request) {
    const { key, operation } = request
    const waiting = this.#waiting.get(key)
    const wasPut = this.#put.has(key)
    if (operation === 'PUT') this.#put.add(key)
    if (waiting === undefined) return
    const now = waiting.find(({ moment }) =>
      moment === 'after-put' ? wasPut && operation === 'versions' : operation === moment.toUpperCase(),
    )
    if (now === undefined) return
    this.#waiting.set(
      key,
      waiting.filter((one) => one !== now),
    )
    await now.act(request)
  }
}

/** Chooses different objects all over the bucket, in the order of their keys. */
export function spread(objects, count, seed) {
  const random = new Random(seed).fork('spread')
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * objects.length) / count)
    const to = Math.floor(((index + 1) * objects.length) / count) - 1
    return objects[random.integer(from, Math.max(from, to))]
  })
}
