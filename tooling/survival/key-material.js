import { hkdfSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { contentFormat, decodeEnvelope } from '@oss-cse/crypto-core'
import { deriveSealedKey, segmentsOf, tagOf } from './sealed-object.js'

/**
 * @typedef {object} Secret - what must never be on a disk
 * @property {string} name
 * @property {Uint8Array} bytes
 */

/**
 * The content key and IV of an object, by its encryption headers, and the keys that are derived from them.
 *
 * @returns {Promise<Secret[]>}
 */
export async function contentKeyOf(headers, keyring) {
  const envelope = decodeEnvelope(headers)
  const { cek, iv } = await keyring.unwrap(envelope)
  if (contentFormat(envelope) === 'sealed') {
    return [
      { name: 'the CEK', bytes: cek },
      { name: 'the IV', bytes: iv },
      { name: 'the key of the segments', bytes: deriveSealedKey({ cek, iv }).key },
    ]
  }
  const salt = Buffer.concat([Buffer.from('oss-cse part digest v1\0'), iv])
  const derived = Buffer.from(hkdfSync('sha256', cek, salt, '', 64))
  return [
    { name: 'the CEK', bytes: cek },
    { name: 'the IV', bytes: iv },
    { name: 'the hash key of the digests', bytes: derived.subarray(0, 32) },
    { name: 'the tag key of the digests', bytes: derived.subarray(32) },
  ]
}

/** The tags in what left of a sealed object: they are in it, and nowhere else. @returns {Secret[]} */
export function tagsIn(body) {
  return segmentsOf(body).map((segment, index) => ({
    name: `a tag of segment ${index} of a part`,
    bytes: tagOf(segment),
  }))
}

/**
 * Looks for secrets in all files of a directory, in the ways that a program may write bytes.
 *
 * @param {string} directory
 * @param {readonly Secret[]} secrets
 * @returns {string[]} what was found where
 */
export function findSecrets(directory, secrets) {
  const found = []
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const content = readFileSync(join(entry.parentPath, entry.name))
    const lowerCase = Buffer.from(content.toString('latin1').toLowerCase(), 'latin1')
    for (const { name, bytes } of secrets) {
      for (const [form, text] of Object.entries(formsOf(bytes))) {
        const haystack = form === 'hex' ? lowerCase : content
        if (haystack.includes(text)) found.push(`${name} (${form}) in ${entry.name}`)
      }
    }
  }
  return found
}

/** The ways that a program may write bytes. */
export function formsOf(bytes) {
  const buffer = Buffer.from(bytes)
  // Without the last character if it depends on what follows.
  const characters = Math.floor((buffer.length * 8) / 6)
  return {
    raw: buffer,
    hex: buffer.toString('hex'),
    base64: buffer.toString('base64').slice(0, characters),
    base64url: buffer.toString('base64url').slice(0, characters),
    'list of numbers': buffer.join(','),
    'JSON of a Uint8Array': JSON.stringify(new Uint8Array(bytes)).slice(1, -1),
  }
}
