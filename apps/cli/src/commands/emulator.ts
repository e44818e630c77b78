import { type Command, InvalidArgumentError } from 'commander'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { CliError, systemCode, usageError } from '../base/cli-error.ts'
import { writeDocument } from '../output/report.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { connectionJson, connectionText } from '../server/emulator-connection.ts'
import { checkBucketName } from '../server/oss-url.ts'
import { type EmulatorSettings, startEmulators } from '../server/start-emulators.ts'

interface EmulatorFlags {
  readonly port: number
  readonly host: string
  readonly data?: string
  readonly bucket?: readonly string[]
  readonly region?: string
  readonly accessLog?: string
  readonly securityToken?: string
  readonly tokenLifetime?: number
  readonly corsOrigin?: readonly string[]
  readonly faultRate?: number
  readonly faultSeed?: number
  readonly kms?: boolean
  readonly kmsPort?: number
  readonly kmsTls?: boolean
  readonly json?: boolean
}

/** A week; STS gives tokens for twelve hours at most. */
const MAX_LIFETIME_SECONDS = 604_800

/** Adds `oss-cse emulator`. */
export function addEmulator(program: Command, cli: CliEnvironment): void {
  program
    .command('emulator')
    .description('run a local server that behaves like OSS, and one like KMS, for tests and trials')
    .option('--port <n>', '0 picks a free one', wholeNumber(65_535), 0)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--data <dir>', 'keep objects there, and keys in its subdirectory kms (default: in memory)')
    .option('--bucket <name...>', 'buckets that exist from the start (default: demo)')
    .option('--region <region>', 'default: cn-hangzhou')
    .option('--security-token <token>', 'make the access key a temporary one that needs this token', token)
    .option(
      '--token-lifetime <seconds>',
      'let the token expire after that long (default: never)',
      wholeNumber(MAX_LIFETIME_SECONDS, 1),
    )
    .option(
      '--cors-origin <origin...>',
      'let pages of these origins use the buckets; * is every origin (default: none)',
    )
    .option('--access-log <file>', 'append one line of JSON for each request to OSS')
    .option('--fault-rate <share>', 'let this share of requests to OSS fail, 0 to 1', share)
    .option('--fault-seed <n>', 'the same faults for the same requests (default: 1)', wholeNumber())
    .option('--kms', 'run KMS too, with one key')
    .option('--kms-port <n>', 'where KMS listens (default: a free port)', wholeNumber(65_535))
    .option('--kms-tls', 'KMS speaks HTTPS, with a certificate of a CA that is made for it')
    .option(
      '--json',
      'print endpoint, accessKeyId, accessKeySecret, region and buckets as one line of JSON; with --security-token securityToken, with --token-lifetime securityTokenExpiration, with --kms kmsEndpoint and kmsKeyId, with --kms-tls kmsCaFile',
    )
    .addHelpText(
      'after',
      '\nThe access key is OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET where they are set, else random; it is the same for\nboth. Stops on SIGINT, SIGTERM, SIGHUP and SIGQUIT, with exit code 0.',
    )
    .action((flags: EmulatorFlags) => emulator(flags, cli))
}

async function emulator(flags: EmulatorFlags, cli: CliEnvironment): Promise<void> {
  const settings = checkedSettings(flags, cli)
  const running = await startEmulators(settings).catch((cause: unknown) => {
    throw startFailure(flags, cause)
  })
  try {
    const text = flags.json
      ? connectionJson(running)
      : connectionText(running, settings.accessKeySecret !== undefined)
    if (flags.json) await writeDocument(cli, cli.stdout, text)
    else await writeChunk(cli.stdout, text, cli.signal)
    await aborted(cli.signal)
  } catch (error) {
    // Being stopped is how it ends, also in the middle of that text.
    if (!cli.signal.aborted) throw error
  } finally {
    await running.close()
  }
}

function checkedSettings(flags: EmulatorFlags, cli: CliEnvironment): EmulatorSettings {
  const { port, host, data, region, accessLog, faultRate, faultSeed = 1, kms, kmsPort, kmsTls } = flags
  const { securityToken, tokenLifetime, corsOrigin } = flags
  const buckets = flags.bucket ?? ['demo']
  for (const bucket of buckets) checkBucketName(bucket)
  if (flags.faultSeed !== undefined && faultRate === undefined) {
    throw usageError('--fault-seed goes with --fault-rate.')
  }
  if (tokenLifetime !== undefined && securityToken === undefined) {
    throw usageError('--token-lifetime goes with --security-token.')
  }
  for (const origin of corsOrigin ?? []) {
    if (!/^[!-)+-~]*(?:\*[!-)+-~]*)?$/.test(origin) || origin === '') {
      throw usageError(
        `--cors-origin ${origin}: an origin is ASCII characters without spaces, with at most one * among them.`,
      )
    }
  }
  for (const [name, value] of [
    ['--data', data],
    ['--access-log', accessLog],
  ]) {
    if (value === '')
      throw usageError(`${name} is empty: name a ${name === '--data' ? 'directory' : 'file'}.`)
  }
  if (!kms && (kmsPort !== undefined || kmsTls)) {
    throw usageError(`${kmsTls ? '--kms-tls' : '--kms-port'} goes with --kms.`)
  }
  const accessKeyId = variable(cli, 'OSS_ACCESS_KEY_ID')
  const accessKeySecret = variable(cli, 'OSS_ACCESS_KEY_SECRET')
  return {
    host,
    port,
    buckets,
    ...(data !== undefined && { dataDirectory: data }),
    ...(region !== undefined && { region: region.replace(/^oss-/, '') }),
    ...(accessLog !== undefined && { accessLog }),
    ...(accessKeyId !== undefined && { accessKeyId }),
    ...(accessKeySecret !== undefined && { accessKeySecret }),
    ...(securityToken !== undefined && {
      securityToken: {
        token: securityToken,
        ...(tokenLifetime !== undefined && { expiresAt: new Date(Date.now() + tokenLifetime * 1000) }),
      },
    }),
    ...(corsOrigin && { cors: [{ allowedOrigins: corsOrigin }] }),
    ...(faultRate !== undefined && { faults: { rate: faultRate, seed: faultSeed } }),
    ...(kms && { kms: { port: kmsPort ?? 0, tls: kmsTls === true } }),
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function startFailure(flags: EmulatorFlags, cause: unknown): unknown {
  const code = systemCode(cause)
  const {
    syscall,
    path,
    port = flags.port,
  } = Object(cause) as {
    syscall?: string
    path?: string
    port?: number
  }
  if (code === undefined || syscall === undefined) return cause
  // Files of --data and --access-log fail with codes that a port can fail with too.
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') {
    const what = path === undefined ? 'its files' : path
    return new CliError(
      'other',
      `The emulator cannot use ${what} (${code}): name another --data or --access-log.`,
      { cause },
    )
  }
  return new CliError('other', `The emulator cannot listen on ${flags.host}, port ${port} (${code}).`, {
    cause,
  })
}

function wholeNumber(max: number = Number.MAX_SAFE_INTEGER, min = 0): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

function token(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw new InvalidArgumentError('It must be ASCII characters without spaces.')
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('It must be a number from 0 to 1.')
}
