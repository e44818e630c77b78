import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OssEmulator, type OssEmulatorOptions, startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair, RsaProvider } from '@oss-cse/provider-rsa'
import OSS from 'ali-oss'
import { CryptoOSS, type CryptoOSSOptions } from '../src/index.ts'
import { EVERYWHERE, METHODS } from './method-table.ts'

const { privateKey } = await generateRsaKeyPair({ bits: 2048 })

/** The master key of all encrypted clients. */
export const provider: RsaProvider = new RsaProvider({ privateKey })

/** The client under test: ali-oss on plain objects, or the drop-in on encrypted ones, or on sealed ones. */
export type Kind = 'OSS' | 'CryptoOSS' | 'sealing CryptoOSS'

const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  everywhere: EVERYWHERE,
  ...Object.fromEntries(Object.entries(METHODS).map(([name, method]) => [name, method.differences])),
}

/** The differences of the table that the suite has tested, as `method.difference`. */
export const shown: Set<string> = new Set()

/** All differences of the table, as `method.difference`. */
export const differences: readonly string[] = Object.entries(TABLE).flatMap(([method, sentences]) =>
  Object.keys(sentences).map((name) => `${method}.${name}`),
)

/** One client of a kind, with its own service and a directory for its files. */
export class Subject {
  readonly kind: Kind
  readonly emulator: OssEmulator
  readonly directory: string
  readonly client: CryptoOSS

  private constructor(kind: Kind, emulator: OssEmulator, directory: string) {
    this.kind = kind
    this.emulator = emulator
    this.directory = directory
    this.client = this.newClient()
  }

  static async start(kind: Kind, options: OssEmulatorOptions = {}): Promise<Subject> {
    const emulator = await startOssEmulator({ buckets: ['demo', 'other-bucket'], ...options })
    return new Subject(kind, emulator, await mkdtemp(join(tmpdir(), 'oss-cse-')))
  }

  async end(): Promise<void> {
    await this.emulator.close()
    await rm(this.directory, { recursive: true, force: true })
  }

  /** Makes another client. ali-oss ignores options that it does not know, such as `provider`. */
  newClient(options: Partial<CryptoOSSOptions> = {}): CryptoOSS {
    const { endpoint, region, accessKeyId, accessKeySecret } = this.emulator
    const Client = (this.kind === 'OSS' ? OSS : CryptoOSS) as typeof CryptoOSS
    return new Client({
      endpoint,
      sldEnable: true,
      bucket: 'demo',
      region: `oss-${region}`,
      accessKeyId,
      accessKeySecret,
      authorizationV4: true,
      provider,
      ...(this.kind === 'sealing CryptoOSS' && { format: 'sealed', context: () => 'demo' }),
      retry: { minDelayMs: 1, maxDelayMs: 10 },
      ...options,
    })
  }

  /**
   * Returns whether this kind behaves differently, as the table says.
   *
   * @param difference - `method.difference`, or `everywhere.difference`
   */
  differs(difference: string): boolean {
    if (!differences.includes(difference)) throw new Error(`The table does not say ${difference}.`)
    shown.add(difference)
    return this.kind !== 'OSS'
  }

  /** Returns a path in the subject's directory. */
  path(name: string): string {
    return join(this.directory, name)
  }

  /** The requests to the service so far: `PUT /demo/key?uploads`. */
  get requests(): readonly string[] {
    return this.emulator.requests.map(({ method, path, query }) => `${method} ${path}${query && `?${query}`}`)
  }
}

export function random(sizeBytes: number): Buffer {
  return randomBytes(sizeBytes)
}

/** Returns the error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error('It did not fail.')
}
