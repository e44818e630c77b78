import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testKeyPairs } from './shell.ts'

/** The options that name keys in files. */
export interface KeyArguments {
  readonly own: readonly string[]
  /** Only the public key of `own`. */
  readonly ownPublic: readonly string[]
  readonly other: readonly string[]
}

/** Writes two key pairs into a directory. */
export async function writeKeyFiles(directory: string): Promise<KeyArguments> {
  const [own, other] = await testKeyPairs()
  const file = (name: string, text = ''): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  return {
    own: ['--rsa-private-key', file('own.pem', own?.privateKey)],
    ownPublic: ['--rsa-public-key', file('own.pub.pem', own?.publicKey)],
    other: ['--rsa-private-key', file('other.pem', other?.privateKey)],
  }
}
