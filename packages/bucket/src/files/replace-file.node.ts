import { TemporaryFile } from './temporary-file.node.ts'

/** Options of `replaceFile`. */
export interface ReplaceFileOptions {
  /**
   * The permission bits of the file, such as `0o600`. A link at the path is then itself replaced. Absent: those of the
   * replaced file of this user, or the defaults of the directory.
   */
  readonly mode?: number | undefined
}

/**
 * Creates or replaces a whole file. The bytes are written under a temporary name in the same directory. The file gets
 * its name only when `write` has succeeded and everything is on disk. After a failure there is no file, or the old one.
 * Until then only this user can open it. A replaced file of this user keeps its permission bits and its group. If the
 * group cannot be kept, its bits are removed. If the path is a link, its target is replaced. `mode` changes both.
 *
 * @param path - a regular file, or none yet
 * @param write - writes the bytes with `append`, one call after another
 * @returns what `write` returns
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before `write` is called, when the file cannot be created there;
 * `ERR_CSE_FILE` when it cannot be written, for example on a full disk; and what `write` throws
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
  { mode }: ReplaceFileOptions = {},
): Promise<Result> {
  const file = await TemporaryFile.open(path, { mode })
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
