import { type Command, InvalidArgumentError, Option } from 'commander'
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
  readonly clockOffset?: number
  readonly corsOrigin?: readonly string[]
  readonly faultRate?: number
  readonly faultSeed?: number
  readonly kms?: boolean
  readonly kmsPort?: number
  readonly kmsTls?: boolean
  readonly json?: boolean
}

/** One week. STS issues tokens for at most twelve hours. */
const MAX_LIFETIME_SECONDS = 604_800

/** A day. Signatures allow fifteen minutes. */
const MAX_OFFSET_SECONDS = 86_400

/** Adds `oss-cse emulator`. */
export function addEmulator(program: Command, cli: CliEnvironment): void {
  program
    .command('emulator')
    .description(
      'run a local server that behaves like OSS, and with --kms one that behaves like KMS, for tests',
    )
    .option('--port <n>', 'port of the OSS emulator; 0 picks a free one', wholeNumber(65_535), 0)
    .addOption(new Option('--host <address>', 'address to listen on').default('127.0.0.1', '127.0.0.1'))
    .option(
      '--data <dir>',
      'directory for objects, and for KMS keys, not encrypted, in its subdirectory kms (default: in memory)',
    )
    .option('--bucket <name...>', 'buckets to create at the start (default: demo)')
    .option('--region <region>', 'region of the emulators (default: cn-hangzhou)')
    .option('--security-token <token>', 'security token that every request must carry (default: none)', token)
    .option(
      '--token-lifetime <seconds>',
      'seconds until the security token expires (default: never)',
      wholeNumber(MAX_LIFETIME_SECONDS, 1),
    )
    .option(
      '--clock-offset <seconds>',
      'how far the clocks of the emulators are ahead; negative: behind (default: 0)',
      clockOffset,
    )
    .option(
      '--cors-origin <origin...>',
      'origins whose web pages may use the buckets; * is every origin (default: none)',
    )
    .option(
      '--access-log <file>',
      'file to append one line of JSON to for each request to OSS (default: none)',
    )
    .option('--fault-rate <share>', 'share of requests to OSS that fail, 0 to 1 (default: 0)', share)
    .option(
      '--fault-seed <n>',
      'seed of the faults: the same seed fails the same requests (default: 1)',
      wholeNumber(),
    )
    .option('--kms', 'run a KMS emulator too, with one key')
    .option('--kms-port <n>', 'port of the KMS emulator (default: a free port)', wholeNumber(65_535))
    .option('--kms-tls', 'serve KMS over HTTPS, with a certificate of a CA made for it')
    .option('--json', 'print how to connect as one line of JSON')
    .addHelpText(
      'after',
      `
Both emulators use the access key in OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET. A value that is not set is random.
SIGINT, SIGTERM, SIGHUP and SIGQUIT stop the emulators with exit code 0.

Fields of --json: endpoint, accessKeyId, accessKeySecret, region, buckets; with --security-token securityToken, with
--token-lifetime securityTokenExpiration, with --kms kmsEndpoint and kmsKeyId, with --kms-tls kmsCaFile`,
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
    // A stop is the normal end, even while the text is being written.
    if (!cli.signal.aborted) throw error
  } finally {
    await running.close()
  }
}

function checkedSettings(flags: EmulatorFlags, cli: CliEnvironment): EmulatorSettings {
  const { port, host, data, region, accessLog, faultRate, faultSeed = 1, kms, kmsPort, kmsTls } = flags
  const { securityToken, tokenLifetime, clockOffset: offset = 0, corsOrigin } = flags
  const offsetMs = offset * 1000
  const buckets = flags.bucket ?? ['demo']
  for (const bucket of buckets) checkBucketName(bucket)
  if (flags.faultSeed !== undefined && faultRate === undefined) {
    throw usageError('--fault-seed requires --fault-rate.')
  }
  if (tokenLifetime !== undefined && securityToken === undefined) {
    throw usageError('--token-lifetime requires --security-token.')
  }
  for (const origin of corsOrigin ?? []) {
    if (!/^[!-)+-~]*(?:\*[!-)+-~]*)?$/.test(origin) || origin === '') {
      throw usageError(
        `--cors-origin ${origin} is not an origin. Give ASCII characters without spaces, with at most one *.`,
      )
    }
  }
  for (const [name, value] of [
    ['--data', data],
    ['--access-log', accessLog],
  ]) {
    if (value === '')
      throw usageError(`${name} is empty. Name a ${name === '--data' ? 'directory' : 'file'}.`)
  }
  if (!kms && (kmsPort !== undefined || kmsTls)) {
    throw usageError(`${kmsTls ? '--kms-tls' : '--kms-port'} requires --kms.`)
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
        // The emulators compare it with their own clock.
        ...(tokenLifetime !== undefined && {
          expiresAt: new Date(Date.now() + offsetMs + tokenLifetime * 1000),
        }),
      },
    }),
    ...(offset !== 0 && { clockOffsetMs: offsetMs }),
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
  // Some codes can come from a port as well as from the files of --data and --access-log.
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') {
    const what = path === undefined ? 'its files' : path
    return new CliError(
      'other',
      `The emulator cannot use ${what} (${code}). Name another --data or --access-log.`,
      { cause },
    )
  }
  return new CliError(
    'other',
    `The emulator cannot listen on ${flags.host}, port ${port} (${code}). Choose another --host, --port or --kms-port.`,
    { cause },
  )
}

function wholeNumber(max: number = Number.MAX_SAFE_INTEGER, min = 0): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

function clockOffset(text: string): number {
  if (/^-?[0-9]{1,5}$/.test(text) && Math.abs(Number(text)) <= MAX_OFFSET_SECONDS) return Number(text)
  throw new InvalidArgumentError(
    `It must be a whole number from -${MAX_OFFSET_SECONDS} to ${MAX_OFFSET_SECONDS}.`,
  )
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
