import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { type CredentialsProvider, CseError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import type { CliEnvironment, CliTransport } from '../base/cli-environment.ts'
import type { ServerConfig } from '../base/server-config.ts'
import { openQueue } from '../fleet/open-queue.ts'
import { runCli } from '../program/run-cli.ts'

/** The outcome of a command. */
export interface Outcome {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
  /** stdout, parsed. */
  readonly json: () => Record<string, unknown>
}

/** Options of a run. */
export interface RunOptions {
  readonly stdin?: Uint8Array | Readable
  readonly stdout?: Writable
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  readonly stderrIsTerminal?: boolean
  readonly credentialsChain?: CredentialsProvider
  /** Default: the real one, on disk. */
  readonly openJobQueue?: CliEnvironment['openJobQueue']
}

/** A server in memory: a memory transport for each bucket. */
export class MemoryServer {
  readonly buckets: Map<string, MemoryTransport> = new Map()
  /** The settings that the last transport was opened with. */
  config: ServerConfig | undefined

  bucket(name: string): MemoryTransport {
    const known = this.buckets.get(name) ?? new MemoryTransport()
    this.buckets.set(name, known)
    return known
  }

  readonly open = async (config: ServerConfig, name: string): Promise<CliTransport> => {
    this.config = config
    const transport = this.bucket(name)
    const created = async (): Promise<void> => {
      if (name === 'taken') throw new CseError('ERR_CSE_SERVICE', 'The bucket exists.')
    }
    return Object.assign(transport, {
      createBucket: created,
      getCors: async () => ({ rules: [], responseVary: false }),
      putCors: async () => {},
    })
  }
}

const checkpoints = temporaryDirectory()
const runs = temporaryDirectory()
process.once('exit', () => {
  checkpoints.remove()
  runs.remove()
})

/** The settings to reach the server in memory. */
const SERVER_ENV = {
  OSS_ENDPOINT: 'http://localhost:1',
  OSS_ACCESS_KEY_ID: 'id',
  OSS_ACCESS_KEY_SECRET: 'secret of the access key',
  // Not the user's own directories.
  OSS_CSE_CHECKPOINT_DIR: checkpoints.path,
  OSS_CSE_FLEET_DIR: runs.path,
} as const

/** Runs a command as a shell would, in this process. */
export async function run(
  server: MemoryServer,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const stderr = Object.assign(sink(err), options.stderrIsTerminal && { isTTY: true, columns: 120 })
  const { stdin = new Uint8Array(), stdout = sink(out), env, signal, credentialsChain } = options
  const code = await runCli(argv, {
    stdin: stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)]),
    stdout,
    stderr,
    env: { ...SERVER_ENV, ...env },
    signal: signal ?? new AbortController().signal,
    openTransport: server.open,
    openJobQueue: options.openJobQueue ?? openQueue,
    credentialsChain,
  })
  const bytes = Buffer.concat(out)
  return {
    code,
    stdout: bytes,
    stderr: Buffer.concat(err).toString(),
    json: () => JSON.parse(bytes.toString()) as Record<string, unknown>,
  }
}

function sink(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
}

/** An input that never ends. */
export function endlessInput(): Readable {
  return new PassThrough()
}

/** Creates a temporary directory that can be removed. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'oss-cse-cli-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

let pairs: Promise<{ privateKey: string; publicKey: string }[]> | undefined

/** Two different key pairs, generated once per test file. */
export function testKeyPairs(): Promise<{ privateKey: string; publicKey: string }[]> {
  pairs ??= Promise.all([generateRsaKeyPair({ bits: 2048 }), generateRsaKeyPair({ bits: 2048 })])
  return pairs
}
