import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/**
 * @param {string} path
 * @returns {Promise<string>} the SHA-256 of a file, in hexadecimal digits
 */
export async function digestOfFile(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}
