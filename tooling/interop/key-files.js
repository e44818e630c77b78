import { createPrivateKey, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes both halves of an RSA key pair, as drivers are told of them: PKCS#8 and SPKI, and PKCS#1 twins.
 *
 * @param {string} directory
 * @param {string} name
 * @param {import('node:crypto').PrivateKeyInput | string} privateKey
 * @returns {{ kind: 'rsa', privateKeyFile: string, publicKeyFile: string }}
 */
export function writeKeyFiles(directory, name, privateKey) {
  const key = createPrivateKey(privateKey)
  const write = (half, object, type) => {
    const file = join(directory, `${name}.${half}.pem`)
    writeFileSync(file, object.export({ type, format: 'pem' }), { mode: 0o600 })
    writeFileSync(`${file}.pkcs1`, object.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
    return file
  }
  return {
    kind: 'rsa',
    privateKeyFile: write('private', key, 'pkcs8'),
    publicKeyFile: write('public', createPublicKey(key), 'spki'),
  }
}
