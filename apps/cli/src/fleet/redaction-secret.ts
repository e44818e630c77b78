import { createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, replaceFile } from '@oss-cse/bucket/node'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError, systemCode } from '../base/cli-error.ts'

/** The environment variable with the secret of `--redact-keys`. */
const VARIABLE = 'OSS_CSE_FLEET_REDACTION_SECRET'
const MIN_BYTES = 16
const NEW_BYTES = 32

/**
 * Returns the secret that the environment names, or `undefined` if it names none.
 *
 * @throws CliError of kind `configuration` for one that is too short or not base64
 */
export function namedRedactionSecret(cli: Pick<CliEnvironment, 'env'>): Uint8Array | undefined {
  const text = variable(cli, VARIABLE)
  if (text === undefined) return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length >= MIN_BYTES && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) return bytes
  throw configurationError(
    `${VARIABLE} is not a secret of at least ${MIN_BYTES} bytes in base64. \`openssl rand -base64 ${NEW_BYTES}\` makes one.`,
  )
}

/** The error of a run on many machines whose secret is not given. */
export function missingRedactionSecret(): Error {
  return configurationError(
    `--redact-keys on many machines needs the same secret on each of them, in ${VARIABLE}. \`openssl rand -base64 ${NEW_BYTES}\` makes one.`,
  )
}

/** Returns a text by which two machines notice that they have different secrets. It reveals nothing about them. */
export function secretCheck(secret: Uint8Array): string {
  return createHmac('sha256', secret).update('oss-cse fleet redaction').digest('hex').slice(0, 16)
}

/** Returns the secret of an embedded run, which is created once in its directory and closed to other users. */
export async function ownRedactionSecret(directory: string): Promise<Uint8Array> {
  const path = join(directory, 'redaction-secret')
  try {
    return await readFile(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  const secret = randomBytes(NEW_BYTES)
  await makeDirectory(directory)
  await replaceFile(path, (append) => append(secret), { mode: 0o600 })
  return secret
}
