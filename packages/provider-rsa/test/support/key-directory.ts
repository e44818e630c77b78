import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty directory, removed after the test. */
export function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'oss-cse-key-files-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A directory with key files. A file without a text is omitted. */
export function keyDirectory(
  files: { readonly privateKeyPem?: string | undefined; readonly publicKeyPem?: string | undefined },
  prefix = '',
  directory: string = emptyDirectory(),
): string {
  const { privateKeyPem, publicKeyPem } = files
  if (privateKeyPem !== undefined) writeFileSync(join(directory, `${prefix}.private_key.pem`), privateKeyPem)
  if (publicKeyPem !== undefined) writeFileSync(join(directory, `${prefix}.public_key.pem`), publicKeyPem)
  return directory
}
