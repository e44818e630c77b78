// What an encrypted object must hold, found out without our packages: by node:crypto and by the format's own words
// alone. Otherwise a fault of ours could be on both sides of the comparison.
import { constants, createCipheriv, createDecipheriv, privateDecrypt } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'

const PREFIX = 'x-oss-meta-client-side-encryption-'
const CEK_ALGORITHM = 'AES/CTR/NoPadding'
const WRAP_ALGORITHM = 'RSA/NONE/PKCS1Padding'
const CEK_BYTES = 32
const IV_BYTES = 16
const BLOCK_BYTES = 16

/**
 * Compares what a server received with the file that was to be sent.
 *
 * @param {{
 *   headers: Record<string, string>, chunks: Iterable<Uint8Array>, sourcePath: string, privateKey?: string
 * }} received - `privateKey`: PEM, of the one who encrypts; without one, the file must have been sent as it is
 * @returns {string | undefined} what is wrong, if anything
 */
export function wrongBytes({ headers, chunks, sourcePath, privateKey }) {
  let cipher
  try {
    cipher = privateKey === undefined ? undefined : cipherOf(headers, privateKey, createCipheriv)
  } catch (error) {
    return error.message
  }
  if (cipher === undefined && `${PREFIX}key` in headers) return 'There is an envelope.'
  const source = openSync(sourcePath)
  try {
    let at = 0
    for (const chunk of chunks) {
      const expected = new Uint8Array(chunk.length)
      const read = readFully(source, expected)
      if (read < chunk.length) return `There are more bytes than the ${at + read} of the file.`
      const encrypted = cipher === undefined ? expected : cipher.update(expected)
      if (Buffer.compare(encrypted, chunk) !== 0) return `Bytes from ${at} on are not those of the file.`
      at += chunk.length
    }
    if (readFully(source, new Uint8Array(1)) > 0) return `There are only ${at} bytes, fewer than in the file.`
  } finally {
    closeSync(source)
  }
}

/**
 * Decrypts an object from one of its bytes on.
 *
 * @param {Record<string, string>} headers - the object's
 * @param {string} privateKey - PEM
 * @param {number} [offsetBytes] - of that byte; the first one if absent
 * @returns {import('node:crypto').Decipheriv}
 * @throws Error if the headers hold no envelope of this key
 */
export function decipherOf(headers, privateKey, offsetBytes = 0) {
  const decipher = cipherOf(headers, privateKey, createDecipheriv, Math.floor(offsetBytes / BLOCK_BYTES))
  decipher.update(new Uint8Array(offsetBytes % BLOCK_BYTES))
  return decipher
}

function cipherOf(headers, privateKey, create, blocks = 0) {
  const field = (name) => headers[PREFIX + name]
  if (field('cek-alg') !== CEK_ALGORITHM) throw new Error(`The CEK algorithm is ${field('cek-alg')}.`)
  if (field('wrap-alg') !== WRAP_ALGORITHM) throw new Error(`The wrap algorithm is ${field('wrap-alg')}.`)
  const cek = unwrap(field('key'), privateKey, CEK_BYTES)
  const first = BigInt(`0x${unwrap(field('start'), privateKey, IV_BYTES).toString('hex')}`)
  const counter = BigInt.asUintN(8 * IV_BYTES, first + BigInt(blocks))
  return create('aes-256-ctr', cek, Buffer.from(counter.toString(16).padStart(2 * IV_BYTES, '0'), 'hex'))
}

/** RSAES-PKCS1-v1_5, the padding removed here: not every Node.js does it. */
function unwrap(wrapped, key, sizeBytes) {
  const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, Buffer.from(wrapped, 'base64'))
  const value = block.subarray(block.indexOf(0, 2) + 1)
  if (block[0] !== 0 || block[1] !== 2 || value.length !== sizeBytes) {
    throw new Error('The envelope is not of this key.')
  }
  return value
}

function readFully(file, target) {
  let read = 0
  while (read < target.length) {
    const more = readSync(file, target, read, target.length - read, null)
    if (more === 0) break
    read += more
  }
  return read
}
