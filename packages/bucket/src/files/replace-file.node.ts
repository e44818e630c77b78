import { TemporaryFile } from './temporary-file.node.ts'

/**
 * Makes or replaces a file as a whole: bytes go under a temporary name beside it, which becomes the file's only
 * when `write` has succeeded and everything is on disk. A failure leaves no file, or the old one. Until then nobody else
 * can open it. The permission bits and the group of a replaced file of this user stay; where the group cannot, its bits are
 * dropped. Of a link, the target is replaced.
 *
 * @param path - a regular file, or none yet
 * @param write - hands over the bytes by `append`, one after the other
 * @returns what `write` returns
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be made there, before `write` is called;
 * `ERR_CSE_FILE` when it cannot be written, as on a full disk; and whatever `write` throws
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
  const file = await TemporaryFile.open(path)
  try {
    let offset = 0
    const result = await write(async (chunk) => {
      await file.write(chunk, offset)
      offset += chunk.length
    })
    await file.commit()
    return result
  } catch (error) {
    await file.discard()
    throw error
  }
}
