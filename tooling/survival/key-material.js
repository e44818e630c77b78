import { hkdfSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeEnvelope } from '@oss-cse/crypto-core'

/**
 * @typedef {object} Secret - what must never be on a disk
 * @property {string} name
 * @property {Uint8Array} bytes
 */

/**
 * The content key and IV of an object, by its encryption headers, and the keys of the digests that are derived from them.
 *
 * @returns {Promise<Secret[]>}
 */
export async function contentKeyOf(headers, keyring) {
  const { cek, iv } = await keyring.unwrap(decodeEnvelope(headers))
  const salt = Buffer.concat([Buffer.from('oss-cse part digest v1\0'), iv])
  const derived = Buffer.from(hkdfSync('sha256', cek, salt, '', 64))
  return [
    { name: 'the CEK', bytes: cek },
    { name: 'the IV', bytes: iv },
    { name: 'the hash key of the digests', bytes: derived.subarray(0, 32) },
    { name: 'the tag key of the digests', bytes: derived.subarray(32) },
  ]
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
  return {
    raw: buffer,
    hex: buffer.toString('hex'),
    base64: buffer.toString('base64').replace(/=+$/, ''),
    base64url: buffer.toString('base64url'),
    'list of numbers': buffer.join(','),
    'JSON of a Uint8Array': JSON.stringify(new Uint8Array(bytes)).slice(1, -1),
  }
}
