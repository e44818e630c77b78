import { readFile } from 'node:fs/promises'
import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import type { DemoStep } from '../demo-step.ts'

/** Writes the letter under three kinds of master key, and reads all of them with one keyring. */
export const readThreeKeys: DemoStep = async ({ stage, screen, checks }) => {
  const { transport, provider, localProvider } = stage
  const letter = await readFile(stage.letter.path)
  const writers: readonly (readonly [key: string, writer: MasterKeyProvider])[] = [
    ['three/by-rsa.txt', provider],
    ['three/as-oss2-2.10.txt', localProvider],
    ['three/by-kms.txt', stage.kms.provider],
  ]
  screen.note(
    'Three programs share the bucket. One has the RSA key, one writes like old versions of the Python SDK oss2, and one uses KMS. A keyring holds all three keys and uses the one that an envelope names.',
  )
  for (const [key, writer] of writers) {
    await new CryptoBucket({ transport, provider: writer }).put(key, letter)
  }
  const keyring = new Keyring({ encrypting: provider, decrypting: [localProvider, stage.kms.provider] })
  const reader = new CryptoBucket({ transport, keyring })
  screen.blank()
  screen.line(screen.colours.bold(tableRow(['object', 'wrap algorithm', 'key name', 'format'])))
  let areUnchanged = true
  for (const [key, writer] of writers) {
    const { envelope } = await reader.head(key)
    if (envelope === undefined) throw new Error(`${key} has no envelope`)
    const name = JSON.stringify(envelope.materialDescription)
    screen.line(tableRow([key, envelope.wrapAlgorithm, name === '{}' ? '-' : name, `V${envelope.version}`]))
    areUnchanged &&=
      letter.equals(await reader.getBytes(key)) && envelope.wrapAlgorithm === writer.wrapAlgorithm
  }
  screen.blank()
  checks.that(areUnchanged, 'One reader decrypts all three, each with its own key, unchanged')
  const withoutKms = new Keyring({ encrypting: provider, decrypting: [localProvider] })
  await checks.refused(
    'A reader without the third key is refused, and the error names that key',
    'ERR_CSE_NO_MATCHING_KEY',
    () => new CryptoBucket({ transport, keyring: withoutKms }).getBytes('three/by-kms.txt'),
  )
}

function tableRow([object = '', wrapped = '', name = '', format = '']: readonly string[]): string {
  return `${object.padEnd(24)}${wrapped.padEnd(24)}${name.padEnd(16)}${format}`
}
