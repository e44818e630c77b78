import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { orAborted } from '@oss-cse/crypto-core'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, systemCode, usageError } from '../base/cli-error.ts'

/** How much of a file is read at a time, in bytes. */
const READ_BYTES = 1024 * 1024

/** Bytes from this machine: a file, or a stream that can be read once. */
export interface LocalInput {
  /** The file's path; absent for a stream. */
  readonly path?: string
  /** The file's length in bytes. Absent for a stream, and if the system reports 0, as /proc does for files with content. */
  readonly sizeBytes?: number
  /** Opens the bytes. Of a file, it can open a run of them. */
  open(run?: { readonly start: number; readonly sizeBytes: number }): AsyncIterable<Uint8Array>
}

/**
 * Finds the input that an argument means: `-` is stdin. Pipes and devices are read as streams.
 *
 * @throws CliError of kind `notFound` when there is no such file, `usage` for a directory or an empty name
 */
export async function localInput(path: string, cli: CliEnvironment): Promise<LocalInput> {
  const { signal } = cli
  if (path === '-') return { open: () => stoppable(cli.stdin as Readable, signal) }
  // A shell passes an empty argument for a variable that is not set.
  if (path === '') throw usageError('The name of the input is empty. Name a file.')
  const file = await stat(path).catch((cause: unknown) => {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CliError('notFound', `The file ${path} does not exist.`, { cause })
    }
    throw new CliError('other', `The file ${path} cannot be read (${code ?? 'unknown'}).`, { cause })
  })
  if (file.isDirectory()) throw usageError(`${path} is a directory. Name a file.`)
  const options = { highWaterMark: READ_BYTES }
  if (!file.isFile()) return { open: () => stoppable(createReadStream(path, options), signal) }
  return {
    path,
    ...(file.size > 0 && { sizeBytes: file.size }),
    open(run) {
      if (run?.sizeBytes === 0) return nothing()
      const bounds = run && { start: run.start, end: run.start + run.sizeBytes - 1 }
      return stoppable(createReadStream(path, { ...options, ...bounds }), signal)
    },
  }
}

/** An abort ends a read that waits for a terminal, or for the other end of a pipe to open. */
async function* stoppable(
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await orAborted(chunks.next(), signal)
      if (step.done) return
      yield step.value
    }
  } finally {
    stream.destroy()
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
