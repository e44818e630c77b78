import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Keyring } from '@oss-cse/crypto-core'
import {
  generateLocalRsaKeyFiles,
  generateRsaKeyPair,
  LocalRsaProvider,
  RsaProvider,
} from '@oss-cse/provider-rsa'
import { KEY_NAMES } from './fleet-objects.js'

const BITS = 2048

/** Makes the master keys of a fleet in a directory, and the keyring file that names them. Returns its path. */
export async function makeFleetKeys(directory) {
  mkdirSync(directory)
  for (const name of Object.keys(KEY_NAMES)) {
    const { privateKey } = await generateRsaKeyPair({ bits: BITS })
    writeFileSync(join(directory, `${name}.pem`), privateKey, { mode: 0o600 })
  }
  await generateLocalRsaKeyFiles({ directory: join(directory, 'v1'), bits: BITS })
  const material = (name) => ({
    type: 'rsa',
    privateKeyFile: join(directory, `${name}.pem`),
    materialDescription: KEY_NAMES[name],
  })
  const path = join(directory, 'keyring.json')
  writeFileSync(
    path,
    JSON.stringify({
      encrypting: 'new',
      undescribed: ['v1'],
      materials: {
        old: material('old'),
        new: material('new'),
        v1: { type: 'local-rsa', directory: join(directory, 'v1'), format: 'v1' },
      },
    }),
  )
  return path
}

/** The master keys of a fleet, by name. */
export function fleetProviders(directory) {
  const rsa = (name) =>
    new RsaProvider({
      privateKey: readFileSync(join(directory, `${name}.pem`), 'utf8'),
      materialDescription: KEY_NAMES[name],
    })
  return {
    old: rsa('old'),
    new: rsa('new'),
    v1: new LocalRsaProvider({ directory: join(directory, 'v1'), format: 'v1' }),
  }
}

/** Reads everything. */
export function wholeKeyring({ old, new: fresh, v1 }) {
  return new Keyring({ encrypting: fresh, decrypting: [old], undescribed: [v1] })
}
