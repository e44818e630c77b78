import { randomUUID } from 'node:crypto'
import { open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'

/**
 * Makes or replaces a file as a whole: bytes go under a temporary name beside it, which becomes the file's only
 * when `write` has succeeded and everything is on disk. A failure leaves no file, or the old one. A replaced file's
 * permissions stay; of a link, what it names is replaced.
 *
 * @param path - a regular file, or none yet
 * @param write - hands over the bytes by `append`, one after the other
 * @returns what `write` returns
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be made there, before `write` is called; and
 * whatever `write` throws
 *
 * @example
 * ```ts
 * await replaceFile('plain.bin', async (append) => {
 *   for await (const chunk of plaintext) await append(chunk)
 * })
 * ```
 */
export async function replaceFile<Result>(
  path: string,
  write: (append: (chunk: Uint8Array) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const target = await realpath(path).catch(() => path)
  const replaced = await stat(target).catch(() => undefined)
  if (replaced !== undefined && !replaced.isFile()) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} is not a regular file: it cannot be replaced.`)
  }
  const temporary = join(dirname(target), `.oss-cse-${randomUUID()}.part`)
  const file = await open(temporary, 'wx').catch((cause: NodeJS.ErrnoException) => {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be written (${cause.code}).`, { cause })
  })
  try {
    let result: Result
    try {
      if (replaced !== undefined) await file.chmod(replaced.mode)
      result = await write(async (chunk) => {
        for (let offset = 0; offset < chunk.length; ) {
          offset += (await file.write(chunk, offset)).bytesWritten
        }
      })
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    return result
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}
