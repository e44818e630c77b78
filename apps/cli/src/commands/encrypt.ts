import { realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CtrCipher, encodeEnvelope, wipe } from '@oss-cse/crypto-core'
import { coalesceChunks, summarizeEnvelope } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../keys/key-options.ts'
import { humanSize } from '../output/human-size.ts'
import { observed, startProgress } from '../output/progress-bar.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { CREDENTIALS_HELP } from '../server/credentials.ts'
import { localInput } from '../transfer/local-input.ts'
import { type LocalOutput, localOutput, writeOutput } from '../transfer/local-output.ts'

interface EncryptFlags extends KeyFlags, ReportFlags {
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
  addReportOptions(addKeyOptions(command))
    .addHelpText('after', CREDENTIALS_HELP)
    .addHelpText(
      'after',
      '\nFields of --json: input, output, metaFile, sizeBytes, envelope\nThe JSON goes to stderr when the ciphertext goes to stdout.',
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
  const keyring = await requireKeys(flags, cli)
  const input = await localInput(file, cli)
  const { contentKey, envelope: bare } = await keyring.generate({}, { signal: cli.signal })
  const progress = await startProgress(cli, flags, 'encrypt')
  let sizeBytes = 0
  const counted = observed(
    input.open(),
    (seen) => {
      sizeBytes = seen.transferredBytes
      progress.listener(seen)
    },
    input.sizeBytes,
  )
  // The length is known by now, even of a stream. The envelope is written before the ciphertext gets its final name.
  const recorded = () => ({ ...bare, unencryptedContentLength: sizeBytes })
  try {
    const ciphertext = new CtrCipher(contentKey).transform(coalesceChunks(counted))
    await writeOutput(output, ciphertext, cli, () => writeJson(meta, encodeEnvelope(recorded()), cli))
  } finally {
    wipe(contentKey.cek)
    progress.stop()
  }
  await reportDone(
    cli,
    flags,
    {
      input: file,
      output: outputName,
      metaFile: metaOut,
      sizeBytes,
      envelope: summarizeEnvelope(recorded()),
    },
    `Encrypted ${humanSize(sizeBytes)}. Keep ${metaOut} with the ciphertext: nothing can decrypt it without this file.`,
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
