import { type ByteRange, CseError, contentFormat, type EnvelopeV2 } from '@oss-cse/crypto-core'
import { parseRange, summarizeEnvelope } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { type Decryption, startDecrypting } from '../cipher/decrypting-run.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../keys/key-options.ts'
import { addOpenOptions, checkAccepted, type OpenFlags } from '../keys/sealing-options.ts'
import { humanSize } from '../output/human-size.ts'
import { observed, startProgress } from '../output/progress-bar.ts'
import { addReportOptions, type ReportFlags, reportDone } from '../output/report.ts'
import { CREDENTIALS_HELP } from '../server/credentials.ts'
import { type CiphertextRun, ciphertextRun, recordedLength } from '../transfer/ciphertext-run.ts'
import { readEnvelopeFile } from '../transfer/envelope-file.ts'
import { localInput } from '../transfer/local-input.ts'
import { localOutput, writeOutput } from '../transfer/local-output.ts'
import { type SealedRun, sealedRun } from '../transfer/sealed-run.ts'

interface DecryptFlags extends KeyFlags, OpenFlags, ReportFlags {
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
  addReportOptions(addKeyOptions(addOpenOptions(command)))
    .addHelpText('after', CREDENTIALS_HELP)
    .addHelpText(
      'after',
      '\nFields of --json: input, output, sizeBytes, totalBytes, contentRange, verification, sealed,\ncommitment, envelope\nThe JSON goes to stderr when the plaintext goes to stdout.',
    )
    .action((file: string, flags: DecryptFlags) => decrypt(file, flags, cli))
}

async function decrypt(file: string, flags: DecryptFlags, cli: CliEnvironment): Promise<void> {
  const output = await localOutput(flags.output)
  const { keyring } = await requireKeys(flags, cli)
  checkAccepted(flags, keyring, undefined)
  const envelope = await readEnvelopeFile(flags.meta)
  if (envelope === undefined) {
    throw new CseError(
      'ERR_CSE_NOT_ENCRYPTED',
      `${flags.meta} contains no encryption envelope: its object is not encrypted on the client.`,
    )
  }
  const { accept, expectCommitment, context, range } = flags
  const sealed = contentFormat(envelope) === 'sealed'
  if (!sealed && (accept === 'sealed' || expectCommitment !== undefined)) {
    throw new CseError(
      'ERR_CSE_NOT_SEALED',
      `${flags.meta} is not the envelope of a sealed object, so the content can be altered unnoticed.`,
    )
  }
  const input = await localInput(file, cli)
  const content = sealed
    ? sealedContent(sealedRun(input, range, envelope as EnvelopeV2))
    : ctrContent(ciphertextRun(input, range, recordedLength(envelope)))
  const policies = { acceptsOnlySealed: accept === 'sealed', expectCommitment, context }
  const decryption = await startDecrypting(keyring, envelope, policies, cli.signal)
  const progress = await startProgress(cli, flags, 'decrypt')
  try {
    const plaintext = content.decrypt(decryption)
    await writeOutput(output, observed(plaintext, progress.listener, content.sizeBytes), cli)
  } finally {
    decryption.close()
    progress.stop()
  }
  const { commitment } = decryption
  const about = {
    sealed,
    ...(commitment !== undefined && { commitment }),
    envelope: summarizeEnvelope(envelope),
  }
  await report(file, flags, content.read(), about, cli)
}

/** What is decrypted, in either format. */
interface Content {
  /** How many bytes are wanted, if that is known before they are read. */
  readonly sizeBytes: number | undefined
  decrypt(decryption: Decryption): AsyncIterable<Uint8Array>
  /** What was read, after the last byte. */
  read(): ReadContent
}

interface ReadContent {
  readonly start: number
  readonly sizeBytes: number
  readonly totalBytes: number | undefined
  readonly verification: 'aead' | 'length' | 'none'
}

function ctrContent(run: CiphertextRun): Content {
  return {
    sizeBytes: run.sizeBytes,
    decrypt: (decryption) => decryption.decrypt(run),
    read: () => ({
      start: run.start,
      sizeBytes: run.deliveredBytes,
      totalBytes: run.totalBytes,
      verification: run.lengthVerified ? 'length' : 'none',
    }),
  }
}

function sealedContent(run: SealedRun): Content {
  const { start, sizeBytes, totalBytes } = run
  return {
    sizeBytes,
    async *decrypt(decryption) {
      yield* decryption.open(run)
      run.checkSatisfied()
    },
    read: () => ({ start, sizeBytes, totalBytes, verification: 'aead' }),
  }
}

/** What was verified, for the report. */
const VERIFIED: Readonly<Record<ReadContent['verification'], string>> = {
  aead: 'every byte verified',
  length: 'length verified',
  none: 'not verified',
}

async function report(
  file: string,
  flags: DecryptFlags,
  { start, sizeBytes, totalBytes, verification }: ReadContent,
  about: Readonly<Record<string, unknown>>,
  cli: CliEnvironment,
): Promise<void> {
  await reportDone(
    cli,
    flags,
    {
      input: file,
      output: flags.output,
      sizeBytes,
      ...(totalBytes !== undefined && { totalBytes }),
      ...(flags.range && { contentRange: `bytes ${start}-${start + sizeBytes - 1}/${totalBytes ?? '*'}` }),
      verification,
      ...about,
    },
    `Decrypted ${humanSize(sizeBytes)} (${VERIFIED[verification]}).`,
    flags.output === '-',
  )
}
