import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { sync as writeFileAtomicSync } from 'write-file-atomic'
import { isValidTomorrow, makeTlsIdentity, type TlsIdentity } from './tls-certificate.ts'

/** An identity, and the CA file that clients need to trust it. */
export interface TlsFiles {
  readonly identity: TlsIdentity
  /** The path of the CA's certificate in PEM. */
  readonly caFile: string
  /** Removes the files that exist only as long as the emulator. */
  cleanUp(): void
}

const pem = v.pipe(v.string(), v.startsWith('-----BEGIN '))
const identitySchema: v.GenericSchema<TlsIdentity> = v.object({ ca: pem, cert: pem, key: pem })

/** Reads the identity of a directory, or makes one if there is none. Without a directory, makes one for this run. */
export async function openTlsFiles(dataDirectory: string | undefined): Promise<TlsFiles> {
  if (dataDirectory === undefined) {
    const identity = await makeTlsIdentity()
    const directory = mkdtempSync(join(tmpdir(), 'oss-cse-kms-'))
    return {
      identity,
      caFile: writeCa(directory, identity),
      cleanUp: () => rmSync(directory, { recursive: true, force: true }),
    }
  }
  const directory = join(dataDirectory, 'tls')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const identity = await keptIdentity(join(directory, 'identity.json'))
  return { identity, caFile: writeCa(directory, identity), cleanUp: () => undefined }
}

async function keptIdentity(path: string): Promise<TlsIdentity> {
  const kept = readIdentity(path)
  if (kept !== undefined && isValidTomorrow(kept)) return kept
  const made = await makeTlsIdentity()
  if (kept === undefined) return writeFirst(path, made)
  writeFileAtomicSync(path, JSON.stringify(made), { mode: 0o600 })
  return made
}

/** If two emulators start at the same time in a new directory, both use the identity that was written first. */
function writeFirst(path: string, identity: TlsIdentity): TlsIdentity {
  const temporary = `${path}.${randomUUID()}`
  writeFileSync(temporary, JSON.stringify(identity), { mode: 0o600, flag: 'wx' })
  try {
    linkSync(temporary, path)
    return identity
  } catch (error) {
    const first = readIdentity(path)
    if (first === undefined) throw error
    return first
  } finally {
    rmSync(temporary)
  }
}

function readIdentity(path: string): TlsIdentity | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const identity = v.safeParse(v.pipe(v.string(), v.parseJson(), identitySchema), text)
  // The cause would quote the file, and the key in it.
  if (!identity.success) throw new Error(`${path} is not a certificate file of this emulator.`)
  return identity.output
}

function writeCa(directory: string, { ca }: TlsIdentity): string {
  const path = join(directory, 'ca.pem')
  writeFileAtomicSync(path, ca)
  return path
}
