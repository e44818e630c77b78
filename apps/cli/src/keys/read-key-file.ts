import { type FileHandle, open } from 'node:fs/promises'
import { configurationError, systemCode } from '../base/cli-error.ts'

const OTHERS_WRITE = 0o002

/**
 * Reads a file that selects keys, and refuses one that another user owns, or that any user of the machine can write: they
 * would choose who can read what is encrypted. Files of root are trusted, and root trusts the files that it names: so do
 * secrets that are mounted into a container. Windows has no such owners and modes.
 *
 * @param what - what the file is, as the start of a sentence: `The keyring file keys.json`
 * @throws CliError of kind `configuration` when it cannot be read, or others can exchange it
 */
export async function readKeyFile(path: string, what: string): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { uid, mode } = await file.stat()
    const user = process.geteuid?.() ?? uid
    if (user !== 0 && uid !== 0 && uid !== user) {
      throw configurationError(
        `${what} belongs to another user (uid ${uid}), who can exchange it: use a copy of your own, once you know what is in it.`,
      )
    }
    if (process.platform !== 'win32' && (mode & OTHERS_WRITE) !== 0) {
      throw configurationError(
        `${what} can be written by every user of this machine: run chmod o-w ${path}, once you know what is in it.`,
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
