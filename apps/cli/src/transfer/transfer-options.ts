import type { CheckpointStore, TransferOptions } from '@oss-cse/bucket'
import { type Command, InvalidArgumentError } from 'commander'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { parseSize } from './parse-size.ts'

/** The options for transfers of large files. */
export interface TransferFlags {
  readonly partSize?: number
  readonly multipartThreshold?: number
  readonly parallel?: number
  readonly checkpointDir?: string
  /** False for `--no-resume`. */
  readonly resume?: boolean
}

/** The maximum of `--parallel`. */
const MAX_PARALLEL = 100

const PART_OPTIONS = {
  partSize: '--part-size',
  multipartThreshold: '--multipart-threshold',
  parallel: '--parallel',
  checkpointDir: '--checkpoint-dir',
} as const

/** Adds the options of the commands that transfer files. */
export function addTransferOptions(command: Command): Command {
  return command
    .optionsGroup('Large files:')
    .option(
      '--part-size <size>',
      'size of a part, such as 32MiB: a multiple of 16 bytes, at least 100KiB, or for sealed objects a multiple of 64KiB, at least 128KiB (default: 10MiB)',
      parseSize,
    )
    .option(
      '--multipart-threshold <size>',
      'smallest size of a file that is transferred in parts (default: 10MiB)',
      parseSize,
    )
    .option(
      '--parallel <n>',
      'number of parts to transfer at the same time, 1 to 100 (default: 3)',
      parseParallel,
    )
    .option(
      '--checkpoint-dir <directory>',
      "directory for checkpoints, which an interrupted transfer needs to resume (env: OSS_CSE_CHECKPOINT_DIR, default: in the user's data directory)",
    )
    .option('--no-resume', 'keep no checkpoint: an interrupted transfer restarts')
}

/**
 * Converts the options to those of the library.
 *
 * @throws CliError of kind `usage` for options that exclude each other
 */
export async function fileTransferOptions(
  flags: TransferFlags,
  cli: CliEnvironment,
): Promise<TransferOptions> {
  const { partSize, multipartThreshold, parallel, checkpointDir, resume } = flags
  const keeps = resume !== false
  if (!keeps && checkpointDir !== undefined) {
    throw usageError('--checkpoint-dir and --no-resume cannot be used together. Give one of them.')
  }
  const directory = checkpointDir || variable(cli, 'OSS_CSE_CHECKPOINT_DIR')
  return {
    partSizeBytes: partSize,
    multipartThresholdBytes: multipartThreshold,
    parallel,
    ...(keeps && { checkpointStore: await checkpoints(directory) }),
  }
}

/**
 * Refuses options that have no effect on a transfer in one request.
 *
 * @param what - what is transferred in one request
 * @returns no options
 * @throws CliError of kind `usage`
 */
export function refuseTransferOptions(flags: TransferFlags, what: string): TransferOptions {
  const given = Object.entries(PART_OPTIONS)
    .filter(([name]) => flags[name as keyof TransferFlags] !== undefined)
    .map(([, option]) => option)
  if (given.length > 0)
    throw usageError(`${what} is transferred in one request. Leave out ${given.join(', ')}.`)
  return {}
}

async function checkpoints(directory: string | undefined): Promise<CheckpointStore> {
  const { FileCheckpointStore } = await import('@oss-cse/bucket/node')
  return new FileCheckpointStore({ directory })
}

/**
 * Parses a `--parallel`.
 *
 * @throws InvalidArgumentError
 */
export function parseParallel(text: string): number {
  const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_PARALLEL) return count
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_PARALLEL}.`)
}
