import { realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { encodeEnvelope } from '@oss-cse/crypto-core'
import { summarizeEnvelope } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { startEncrypting } from '../cipher/encrypting-run.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../keys/key-options.ts'
import { addSealOptions, formatToWrite, type SealFlags } from '../keys/sealing-options.ts'
import { humanSize } from '../output/human-size.ts'
import { observed, startProgress } from '../output/progress-bar.ts'
import { addReportOptions, commitmentText, type ReportFlags, reportDone } from '../output/report.ts'
import { CREDENTIALS_HELP } from '../server/credentials.ts'
import { localInput } from '../transfer/local-input.ts'
import { type LocalOutput, localOutput, writeOutput } from '../transfer/local-output.ts'
import { unchangedInput } from '../transfer/unchanged-input.ts'

interface EncryptFlags extends KeyFlags, SealFlags, ReportFlags {
  readonly output: string
  readonly metaOut: string
}

/** Adds `oss-cse encrypt`. */
export function addEncrypt(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('encrypt')
    .description('encrypt a local file into ciphertext and an envelope; needs no OSS server')
    .argument('<in>', 'file to encrypt, or - for stdin')
    .requiredOption('-o, --output <file>', 'file for the ciphertext, or - for stdout')
    .requiredOption('--meta-out <file>', 'file for the envelope: a JSON object of headers')
  addReportOptions(addKeyOptions(addSealOptions(command)))
    .addHelpText('after', CREDENTIALS_HELP)
    .addHelpText(
      'after',
      '\nFields of --json: input, output, metaFile, sizeBytes, sealed, commitment, envelope\nThe JSON goes to stderr when the ciphertext goes to stdout.',
    )
    .action((file: string, flags: EncryptFlags) => encrypt(file, flags, cli))
}

async function encrypt(file: string, flags: EncryptFlags, cli: CliEnvironment): Promise<void> {
  const { output: outputName, metaOut } = flags
  if (metaOut === '-') throw usageError('--meta-out cannot be -. Name a file.')
  if (outputName !== '-' && (await sameFile(outputName, metaOut))) {
    throw usageError('-o and --meta-out name the same file. Name two different ones.')
  }
  const output = await localOutput(outputName)
  const meta = await localOutput(metaOut)
  if (meta.kind !== 'file')
    throw usageError(`--meta-out ${metaOut} is not a regular file. Name another file.`)
  const keys = await requireKeys(flags, cli)
  const format = formatToWrite(flags, keys)
  const input = await localInput(file, cli)
  const run = await startEncrypting(keys.keyring, { format, context: flags.context, signal: cli.signal })
  const progress = await startProgress(cli, flags, 'encrypt')
  let sizeBytes = 0
  const counted = observed(
    unchangedInput(input),
    (seen) => {
      sizeBytes = seen.transferredBytes
      progress.listener(seen)
    },
    input.sizeBytes,
  )
  // The length is known by now, even of a stream. The envelope is written before the ciphertext gets its final name.
  const recorded = () => ({ ...run.envelope, unencryptedContentLength: sizeBytes })
  try {
    await writeOutput(output, run.transform(counted), cli, () =>
      writeJson(meta, encodeEnvelope(recorded()), cli),
    )
  } finally {
    run.close()
    progress.stop()
  }
  const { commitment } = run
  await reportDone(
    cli,
    flags,
    {
      input: file,
      output: outputName,
      metaFile: metaOut,
      sizeBytes,
      sealed: format === 'sealed',
      ...(commitment !== undefined && { commitment }),
      envelope: summarizeEnvelope(recorded()),
    },
    `${format === 'sealed' ? 'Sealed' : 'Encrypted'} ${humanSize(sizeBytes)}. Keep ${metaOut} with the ciphertext: nothing can decrypt it without this file.${commitmentText(commitment)}`,
    output.kind === 'stdout',
  )
}

async function writeJson(output: LocalOutput, value: unknown, cli: CliEnvironment): Promise<void> {
  async function* text(): AsyncGenerator<Uint8Array, void, undefined> {
    yield new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`)
  }
  await writeOutput(output, text(), cli)
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map(located))
  return left === right
}

/** Resolves the links in the path's directory, and the path itself if it exists. */
async function located(path: string): Promise<string> {
  const absolute = resolve(path)
  const directory = await realpath(dirname(absolute)).catch(() => dirname(absolute))
  return realpath(absolute).catch(() => join(directory, absolute.slice(dirname(absolute).length)))
}
