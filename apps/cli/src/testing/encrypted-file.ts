import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect } from 'vitest'
import { type KeyArguments, writeKeyFiles } from './key-files.ts'
import { MemoryServer, type Outcome, type RunOptions, run, temporaryDirectory } from './shell.ts'

/** A directory with two key pairs and a file that is encrypted again before each test. */
export interface EncryptedFile {
  readonly directory: string
  /** The path of a file in the directory, such as `plain`, `enc` or `meta.json`. */
  file(name: string): string
  readonly plaintext: Buffer
  readonly keys: KeyArguments
  /** Runs a command with an empty server. */
  oss(argv: readonly string[], options?: RunOptions): Promise<Outcome>
  /** Decrypts `enc` to stdout under its own key. */
  decrypt(argv?: readonly string[], options?: RunOptions): Promise<Outcome>
  envelope(): Record<string, string>
  writeMeta(headers: unknown): void
}

/** Creates one for the tests of the calling file. */
export async function encryptedFile(): Promise<EncryptedFile> {
  const directory = temporaryDirectory()
  afterAll(() => directory.remove())
  const file = (name: string): string => join(directory.path, name)
  const keys = await writeKeyFiles(directory.path)
  const plaintext = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7 + (i >> 4)) & 0xff))
  const oss = (argv: readonly string[], options?: RunOptions) => run(new MemoryServer(), argv, options)

  beforeEach(async () => {
    writeFileSync(file('plain'), plaintext)
    const output = ['-o', file('enc'), '--meta-out', file('meta.json')]
    expect((await oss(['encrypt', file('plain'), ...output, ...keys.own])).code).toBe(0)
  })

  return {
    directory: directory.path,
    file,
    plaintext,
    keys,
    oss,
    decrypt: (argv = [], options) =>
      oss(['decrypt', file('enc'), '-o', '-', '--meta', file('meta.json'), ...keys.own, ...argv], options),
    envelope: () => JSON.parse(readFileSync(file('meta.json'), 'utf8')),
    writeMeta: (headers) =>
      writeFileSync(file('meta.json'), typeof headers === 'string' ? headers : JSON.stringify(headers)),
  }
}
