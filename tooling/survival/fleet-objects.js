import { createHash } from 'node:crypto'
import { Random } from './random.js'

/** The buckets of a fleet: its objects, those that `--into` writes, and the reports. */
export const BUCKETS = { objects: 'demo', into: 'into', reports: 'reports' }
export const PREFIX = 'data/'
/** The names of the master keys: the material descriptions of `described` kinds. The key of `v1` has none. */
export const KEY_NAMES = { old: { key: '2025' }, new: { key: '2026' } }

/**
 * What there is in the bucket: how much of it, of 100 objects, and what it is stored as.
 *
 * @type {Record<string, { share: number, content: 'plain' | 'aes-ctr' | 'v1' | 'sealed', key?: 'old' | 'new' | 'v1',
 * store?: 'archive' | 'append' | 'link' }>}
 */
export const KINDS = {
  plain: { share: 29, content: 'plain' },
  'aes-ctr': { share: 27, content: 'aes-ctr', key: 'old' },
  v1: { share: 8, content: 'v1', key: 'v1' },
  sealed: { share: 25, content: 'sealed', key: 'old' },
  'new-key': { share: 5, content: 'sealed', key: 'new' },
  archived: { share: 2, content: 'aes-ctr', key: 'old', store: 'archive' },
  appendable: { share: 2, content: 'plain', store: 'append' },
  link: { share: 2, content: 'plain', store: 'link' },
}
const ORDER = Object.entries(KINDS).flatMap(([kind, { share }]) => Array(share).fill(kind))
const SIZES = { most: 3000, large: 300_000, largeShare: 0.004 }
const SETTINGS_SHARE = 0.2

/**
 * @typedef {object} FleetObject
 * @property {number} index
 * @property {string} key
 * @property {string} kind - one of KINDS
 * @property {Record<string, string>} headers - metadata, tags, ACL and the like
 */

/**
 * The objects of a bucket, in the order of their keys. The same seed has the same objects.
 *
 * @returns {FleetObject[]}
 */
export function fleetObjects(count, seed) {
  const random = new Random(seed).fork('objects')
  return Array.from({ length: count }, (_, index) => {
    const kind = ORDER[random.integer(0, ORDER.length - 1)]
    const key = `${PREFIX}${String(index).padStart(6, '0')} é+&/${kind}`
    return { index, key, kind, headers: random.next() < SETTINGS_SHARE ? settings(index) : {} }
  })
}

/** The plaintext of an object. A writer that replaces it stores a later generation. */
export function contentOf(key, generation = 0) {
  const random = new Random(key)
  const large = random.next() < SIZES.largeShare
  const outputLength = random.integer(1, large ? SIZES.large : SIZES.most)
  return createHash('shake256', { outputLength }).update(`${generation} ${key}`).digest()
}

/** Which content it is, for a comparison. */
export function contentId(bytes) {
  return createHash('sha256').update(bytes).digest('base64')
}

function settings(index) {
  return {
    'content-type': 'text/x-fleet',
    'cache-control': 'no-cache',
    'x-oss-meta-number': String(index),
    'x-oss-tagging': `number=${index}&of=a%20b`,
    'x-oss-object-acl': index % 2 === 0 ? 'public-read' : 'private',
  }
}
