import { once } from 'node:events'
import { constants, createWriteStream, fstatSync, type Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { isMangled } from '../base/utf8-names.ts'
import { writeChunks } from '../output/stream-writer.ts'

/** Where bytes go on this machine: stdout, a file that is replaced as a whole, or a pipe or device. */
export type LocalOutput =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'device'; readonly path: string }

/**
 * Finds the output that an argument means: `-` is stdout, a link means its target. A pipe or device such as /dev/null is
 * written to, and never replaced by a file.
 *
 * @throws CliError of kind `usage` for a directory, an empty name, and a path that is not UTF-8
 */
export async function localOutput(path: string): Promise<LocalOutput> {
  if (path === '-') return { kind: 'stdout' }
  // A shell passes an empty argument for a variable that is not set.
  if (path === '') throw usageError('The name of the output is empty. Name a file.')
  const existing = await stat(path).catch(() => undefined)
  if (existing === undefined) {
    if (path.endsWith('/')) throw usageError(`${path} ends with a slash. Name a file.`)
    checkUtf8(path, resolve(path))
    return { kind: 'file', path }
  }
  if (existing.isDirectory()) throw usageError(`${path} is a directory. Name a file.`)
  if (!existing.isFile()) return { kind: 'device', path }
  checkUtf8(path, await realpath(path))
  // Not the real path: `replaceFile` decides which links it follows.
  return { kind: 'file', path }
}

/** Node.js mangles paths that are not UTF-8, and would write another file. */
function checkUtf8(path: string, whole: string): void {
  if (!isMangled(whole)) return
  throw usageError(`${path} is in ${whole}, and that path is not valid UTF-8. Write to another directory.`)
}

/**
 * Writes chunks to an output. A file is written under a temporary name beside it. It gets its final name only when all
 * bytes are on disk and `beforeRename` has succeeded. A failure leaves no file, or the old one.
 */
export async function writeOutput(
  output: LocalOutput,
  chunks: AsyncIterable<Uint8Array>,
  cli: CliEnvironment,
  beforeRename: () => Promise<void> = async () => {},
): Promise<void> {
  if (output.kind === 'file') {
    const { replaceFile } = await import('@oss-cse/bucket/node')
    await replaceFile(output.path, async (append) => {
      for await (const chunk of chunks) {
        cli.signal.throwIfAborted()
        await append(chunk)
      }
      await beforeRename()
    })
    return
  }
  await writeStream(output, chunks, cli)
  await beforeRename()
}

/** In a directory that all users can write to, a pipe can belong to another user, who would read the output. */
function refuseForeign(path: string, { uid }: Stats): void {
  const user = process.geteuid?.() ?? uid
  if (uid === user || uid === 0) return
  throw usageError(
    `${path} is a pipe or device of another user (uid ${uid}), who could read the output. Write to another file.`,
  )
}

/** Writes chunks to stdout, a pipe or a device. */
export async function writeStream(
  output: Exclude<LocalOutput, { kind: 'file' }>,
  chunks: AsyncIterable<Uint8Array>,
  cli: CliEnvironment,
): Promise<void> {
  if (output.kind === 'stdout') {
    await writeChunks(cli.stdout, chunks, cli.signal)
    return
  }
  // Opened without creating or truncating it: it exists and is not a file.
  const stream = createWriteStream(output.path, { flags: constants.O_WRONLY as unknown as string })
  // Every write reports its own error.
  stream.on('error', () => {})
  try {
    try {
      const [fd] = (await once(stream, 'open', { signal: cli.signal })) as [number]
      refuseForeign(output.path, fstatSync(fd))
    } catch (error) {
      // Nobody reads the chunks any more. A response that stays open would keep the process running.
      await chunks[Symbol.asyncIterator]().return?.()
      throw error
    }
    await writeChunks(stream, chunks, cli.signal)
    await new Promise<void>((resolve, reject) => {
      stream.end((error?: Error | null) => (error ? reject(error) : resolve()))
    })
  } finally {
    stream.destroy()
  }
}
