import { type FileHandle, open } from 'node:fs/promises'
import { configurationError, systemCode } from '../base/cli-error.ts'

const OTHERS_WRITE = 0o002

/**
 * Reads a file that selects keys. It refuses a file that another user owns or that every user can write, because they
 * could choose who can decrypt. Files of root are trusted, and root trusts any owner: secrets that are mounted into a
 * container need this. Windows has no such owners and modes.
 *
 * @param what - names the file at the start of a sentence: `The keyring file keys.json`
 * @throws CliError of kind `configuration` when the file cannot be read, or others can replace it
 */
export async function readKeyFile(path: string, what: string): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { uid, mode } = await file.stat()
    const user = process.geteuid?.() ?? uid
    if (user !== 0 && uid !== 0 && uid !== user) {
      throw configurationError(
        `${what} belongs to another user (uid ${uid}), who can replace it. Check its content, and use a copy of your own.`,
      )
    }
    if (process.platform !== 'win32' && (mode & OTHERS_WRITE) !== 0) {
      throw configurationError(
        `${what} is writable by every user of this machine. Check its content, and run chmod o-w ${path}.`,
      )
    }
    return await file.readFile()
  } catch (error) {
    const code = systemCode(error)
    throw code === undefined ? error : configurationError(`${what} cannot be read (${code}).`, error)
  } finally {
    await file?.close()
  }
}
