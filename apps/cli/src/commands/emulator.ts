import { type Command, InvalidArgumentError } from 'commander'
import { type CliEnvironment, variable } from '../cli-environment.ts'
import { CliError, systemCode, usageError } from '../cli-error.ts'
import { checkBucketName } from '../oss-url.ts'
import { printable } from '../report.ts'
import { writeChunk } from '../stream-writer.ts'

interface EmulatorFlags {
  readonly port: number
  readonly host: string
  readonly data?: string
  readonly bucket?: readonly string[]
  readonly region?: string
  readonly accessLog?: string
  readonly faultRate?: number
  readonly faultSeed?: number
  readonly json?: boolean
}

/** Adds `oss-cse emulator`. */
export function addEmulator(program: Command, cli: CliEnvironment): void {
  program
    .command('emulator')
    .description('run a local server that behaves like OSS, for tests and trials')
    .option('--port <n>', '0 picks a free one', wholeNumber(65_535), 0)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--data <dir>', 'keep objects there (default: in memory)')
    .option('--bucket <name...>', 'buckets that exist from the start (default: demo)')
    .option('--region <region>', 'default: cn-hangzhou')
    .option('--access-log <file>', 'append one line of JSON for each request')
    .option('--fault-rate <share>', 'let this share of requests fail, 0 to 1', share)
    .option('--fault-seed <n>', 'the same faults for the same requests (default: 1)', wholeNumber())
    .option('--json', 'print endpoint, accessKeyId, accessKeySecret, region and buckets as one line of JSON')
    .addHelpText(
      'after',
      '\nThe access key is OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET where they are set, else random.\nStops on SIGINT and SIGTERM, with exit code 0.',
    )
    .action((flags: EmulatorFlags) => emulator(flags, cli))
}

async function emulator(flags: EmulatorFlags, cli: CliEnvironment): Promise<void> {
  const { port, host, data, region, accessLog, faultRate, faultSeed = 1 } = flags
  const buckets = flags.bucket ?? ['demo']
  for (const bucket of buckets) checkBucketName(bucket)
  if (flags.faultSeed !== undefined && faultRate === undefined) {
    throw usageError('--fault-seed goes with --fault-rate.')
  }
  const accessKeyId = variable(cli, 'OSS_ACCESS_KEY_ID')
  const accessKeySecret = variable(cli, 'OSS_ACCESS_KEY_SECRET')
  const { startOssEmulator } = await import('@oss-cse/oss-emulator')
  const running = await startOssEmulator({
    port,
    host,
    buckets,
    ...(data !== undefined && { dataDir: data }),
    ...(region !== undefined && { region: region.replace(/^oss-/, '') }),
    ...(accessLog !== undefined && { accessLog }),
    ...(accessKeyId !== undefined && { accessKeyId }),
    ...(accessKeySecret !== undefined && { accessKeySecret }),
    ...(faultRate !== undefined && { faults: { rate: faultRate, seed: faultSeed } }),
  }).catch((cause: unknown) => {
    throw startFailure(flags, cause)
  })
  try {
    const text = flags.json ? connectionJson(running) : instructions(running, accessKeySecret !== undefined)
    await writeChunk(cli.stdout, text, cli.signal)
    await aborted(cli.signal)
  } catch (error) {
    // Being stopped is how it ends, also in the middle of that text.
    if (!cli.signal.aborted) throw error
  } finally {
    await running.close()
  }
}

interface Running {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly region: string
  readonly buckets: readonly string[]
}

function connectionJson({ endpoint, accessKeyId, accessKeySecret, region, buckets }: Running): string {
  return `${JSON.stringify({ endpoint, accessKeyId, accessKeySecret, region, buckets })}\n`
}

function instructions(running: Running, secretIsSet: boolean): string {
  const { endpoint, accessKeyId, accessKeySecret, region, buckets } = running
  const secret = secretIsSet
    ? '  # OSS_ACCESS_KEY_SECRET: as it is set here'
    : `  export OSS_ACCESS_KEY_SECRET=${accessKeySecret}`
  return `OSS emulator at ${endpoint}, with the buckets ${buckets.join(', ')}.

Paste into another shell:

  export OSS_ENDPOINT=${endpoint}
  export OSS_REGION=${region}
  export OSS_ACCESS_KEY_ID=${printable(accessKeyId)}
${secret}

then for instance:

  oss-cse keygen --out keys
  oss-cse put README.md oss://${buckets[0]}/readme --rsa-private-key keys/private_key.pem
  oss-cse cat oss://${buckets[0]}/readme --rsa-private-key keys/private_key.pem

Ctrl-C stops it.
`
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function startFailure({ host, port }: EmulatorFlags, cause: unknown): unknown {
  const code = systemCode(cause)
  if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new CliError('other', `The emulator cannot listen on ${host}, port ${port} (${code}).`, { cause })
  }
  return cause
}

function wholeNumber(max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,15}$/.test(text) && Number(text) <= max) return Number(text)
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${max}.`)
  }
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('It must be a number from 0 to 1.')
}
