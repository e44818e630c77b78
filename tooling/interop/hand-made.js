import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ossClient } from './lab.js'

const PREFIX = 'x-oss-meta-client-side-encryption-'

/** The layout that every SDK writes: 8 random bytes, 4 zeros, 4 random bytes. */
function usualIv() {
  const iv = randomBytes(16)
  iv.fill(0, 8, 12)
  return iv
}

const escapeNonAscii = (json) =>
  json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
const escapeSlash = (json) => json.replaceAll('/', '\\/')
const sorted = (description) => description.toSorted(([a], [b]) => (a < b ? -1 : 1))

/** How those SDKs write what is left open, read from their sources. */
const FORMS = {
  // aliyun-oss-cpp-sdk: MapToJsonString in sdk/src/utils/Utils.cc; no length (CryptoModule.cc, addMetaData).
  cpp: {
    description: (pairs) =>
      pairs.length === 0 ? undefined : escapeNonAscii(JSON.stringify(Object.fromEntries(sorted(pairs)))),
    length: false,
  },
  // alibabacloud-oss-php-sdk-v2: json_encode in src/Crypto/MasterRsaCipher.php; an empty array is "[]".
  'php-v2': {
    description: (pairs) =>
      pairs.length === 0 ? '[]' : escapeSlash(escapeNonAscii(JSON.stringify(Object.fromEntries(pairs)))),
    length: false,
  },
  // Any writer that does not keep to the usual IV.
  'any-iv': { description: () => undefined, length: true },
}

/** Besides the forms, what is not encrypted at all. */
export const HAND_MADE = [...Object.keys(FORMS), 'plain']

/** Objects in the exact form of a writer that cannot run here, made with node:crypto alone. */
export class HandMade {
  #client
  #form

  constructor(name) {
    this.name = name
    this.#form = FORMS[name]
  }

  async open({ service }) {
    this.#client = ossClient(service)
    return {}
  }

  /** `put` and `multipart` under an RSA key; the ciphertext is the same in both, the headers are not. */
  async ask({ op, masterKeys, object, file, partSize, metadata = {}, iv = usualIv() }) {
    if (this.#form === undefined) {
      await this.#client.put(object, readFileSync(file))
      return { ok: {} }
    }
    const [{ publicKeyFile, description }] = masterKeys
    const wrap = (bytes) => {
      const key = { key: readFileSync(publicKeyFile), padding: constants.RSA_PKCS1_PADDING }
      return publicEncrypt(key, bytes).toString('base64')
    }
    const cek = randomBytes(32)
    const plaintext = readFileSync(file)
    const fields = {
      key: wrap(cek),
      start: wrap(iv),
      'cek-alg': 'AES/CTR/NoPadding',
      'wrap-alg': 'RSA/NONE/PKCS1Padding',
      matdesc: this.#form.description(description),
      ...(this.#form.length && { 'unencrypted-content-length': plaintext.length }),
      ...(op === 'multipart' && { 'data-size': plaintext.length, 'part-size': partSize }),
    }
    const headers = Object.fromEntries(
      Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [PREFIX + name, String(value)]),
    )
    for (const [name, value] of Object.entries(metadata)) headers[`x-oss-meta-${name}`] = value
    const ciphertext = createCipheriv('aes-256-ctr', cek, iv).update(plaintext)
    await this.#client.put(object, ciphertext, { headers })
    return { ok: {} }
  }

  async close() {}
}
