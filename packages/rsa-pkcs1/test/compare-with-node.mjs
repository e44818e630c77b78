// Encrypts random messages, and compares what OpenSSL decrypts: `node test/compare-with-node.mjs 10000` after a build.
import { constants, generateKeyPairSync, privateDecrypt, randomBytes, randomInt } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { encryptPkcs1, parseRsaPublicKey } from '@oss-cse/rsa-pkcs1'

/** Sizes of keys in bits, one of them no multiple of 8. */
export const keySizes = [2048, 2056, 2049, 3072]

/**
 * Encrypts `count` messages of random lengths under a new key, and decrypts them with OpenSSL.
 *
 * @param {number} bits
 * @param {number} count
 * @returns {string[]} what differed
 */
export function mismatches(bits, count) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const key = parseRsaPublicKey(publicKey.export({ type: 'spki', format: 'pem' }).toString())
  const found = []
  for (let i = 0; i < count; i++) {
    const length = [0, 16, 32, key.sizeBytes - 11, randomInt(key.sizeBytes - 10)][i % 5] ?? 0
    const message = randomBytes(length)
    // Without the padding: Node.js 20 refuses to remove it, and later versions replace what has a wrong one.
    const block = privateDecrypt(
      { key: privateKey, padding: constants.RSA_NO_PADDING },
      encryptPkcs1(key, message),
    )
    const start = block.length - length
    const padding = block.subarray(2, start - 1)
    const sound =
      block[0] === 0 &&
      block[1] === 2 &&
      padding.length >= 8 &&
      !padding.includes(0) &&
      block[start - 1] === 0 &&
      block.subarray(start).equals(message)
    if (!sound) found.push(`${bits} bits, message ${message.toString('hex')}: ${block.toString('hex')}`)
  }
  return found
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const count = Number(process.argv[2] ?? 10_000)
  const perKey = 250
  const begun = performance.now()
  let different = 0
  for (let done = 0; done < count; done += perKey) {
    const bits = keySizes[(done / perKey) % keySizes.length] ?? 2048
    for (const difference of mismatches(bits, Math.min(perKey, count - done))) {
      different += 1
      console.error(difference)
    }
  }
  console.log(`${count} messages under ${Math.ceil(count / perKey)} keys: ${different} differ from OpenSSL`)
  console.log(`${((performance.now() - begun) / count).toFixed(2)} ms a message, keys and OpenSSL included`)
  process.exitCode = different === 0 ? 0 : 1
}
