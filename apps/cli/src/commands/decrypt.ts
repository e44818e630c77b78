import { type ByteRange, CseError, CtrCipher, contentFormat, type Envelope, wipe } from '@oss-cse/crypto-core'
import { coalesceChunks, parseRange, summarizeEnvelope } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../keys/key-options.ts'
import { humanSize } from '../output/human-size.ts'
import { observed, startProgress } from '../output/progress-bar.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { CREDENTIALS_HELP } from '../server/credentials.ts'
import { type CiphertextRun, ciphertextRun, recordedLength } from '../transfer/ciphertext-run.ts'
import { readEnvelopeFile } from '../transfer/envelope-file.ts'
import { localInput } from '../transfer/local-input.ts'
import { localOutput, writeOutput } from '../transfer/local-output.ts'

interface DecryptFlags extends KeyFlags, ReportFlags {
  readonly output: string
  readonly meta: string
  readonly range?: ByteRange
}

/** Adds `oss-cse decrypt`. */
export function addDecrypt(program: Command, cli: CliEnvironment): void {
  const command = program
    .command('decrypt')
    .description('decrypt a local file; needs no OSS server')
    .argument('<in>', 'file to decrypt, or - for stdin')
    .requiredOption('-o, --output <file>', 'file for the plaintext, or - for stdout')
    .requiredOption(
      '--meta <file>',
      'file with the envelope: a JSON object of headers, names in any case; ignores other headers',
    )
    .option(
      '--range <start-end>',
      'bytes to decrypt: 0-99 (both included), 100- or -100 (the last 100)',
      parseRange,
    )
  addReportOptions(addKeyOptions(command))
    .addHelpText('after', CREDENTIALS_HELP)
    .addHelpText(
      'after',
      '\nFields of --json: input, output, sizeBytes, totalBytes, contentRange, verification, envelope\nThe JSON goes to stderr when the plaintext goes to stdout.',
    )
    .action((file: string, flags: DecryptFlags) => decrypt(file, flags, cli))
}

async function decrypt(file: string, flags: DecryptFlags, cli: CliEnvironment): Promise<void> {
  const output = await localOutput(flags.output)
  const keyring = await requireKeys(flags, cli)
  const envelope = await readEnvelopeFile(flags.meta)
  if (envelope === undefined) {
    throw new CseError(
      'ERR_CSE_NOT_ENCRYPTED',
      `${flags.meta} contains no encryption envelope: its object is not encrypted on the client.`,
    )
  }
  if (contentFormat(envelope) === 'sealed') {
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `${flags.meta} is the envelope of a sealed object, and decrypt reads only AES-CTR. Use get, or cat.`,
    )
  }
  const run = ciphertextRun(await localInput(file, cli), flags.range, recordedLength(envelope))
  const contentKey = await keyring.unwrap(envelope, { signal: cli.signal })
  const progress = await startProgress(cli, flags, 'decrypt')
  try {
    const cipher = new CtrCipher(contentKey, { offsetBytes: run.start })
    const plaintext = cipher.transform(coalesceChunks(run.chunks()))
    await writeOutput(output, observed(plaintext, progress.listener, run.sizeBytes), cli)
  } finally {
    wipe(contentKey.cek)
    progress.stop()
  }
  await report(file, flags, run, envelope, cli)
}

async function report(
  file: string,
  flags: DecryptFlags,
  run: CiphertextRun,
  envelope: Envelope,
  cli: CliEnvironment,
): Promise<void> {
  const { deliveredBytes: sizeBytes, totalBytes } = run
  const last = run.start + sizeBytes - 1
  const verification = run.lengthVerified ? 'length' : 'none'
  await reportDone(
    cli,
    flags,
    {
      input: file,
      output: flags.output,
      sizeBytes,
      ...(totalBytes !== undefined && { totalBytes }),
      ...(flags.range && { contentRange: `bytes ${run.start}-${last}/${totalBytes ?? '*'}` }),
      verification,
      envelope: summarizeEnvelope(envelope),
    },
    `Decrypted ${humanSize(sizeBytes)} (${verification === 'length' ? 'length verified' : 'not verified'}).`,
    flags.output === '-',
  )
}
