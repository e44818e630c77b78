import { mkdtempSync, rmSync } from 'node:fs'
import { open, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BLOCK_BYTES = 1024 * 1024

/** A temporary directory that is removed when this process ends, whatever ends it (but SIGKILL). */
export class Workspace {
  directory = mkdtempSync(join(tmpdir(), 'oss-cse-bench-'))

  constructor() {
    process.on('exit', () => rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 }))
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ]) {
      process.on(signal, () => process.exit(code))
    }
  }

  path(name) {
    return join(this.directory, name)
  }

  remove(name) {
    return rm(this.path(name), { recursive: true, force: true })
  }

  /** Refuses to begin what would fill the disk. */
  async needSpace(sizeBytes) {
    const { bavail, bsize } = await statfs(this.directory)
    if (bavail * bsize < sizeBytes) {
      throw new Error(
        `${this.directory} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB free; this needs ${Math.ceil(sizeBytes / 2 ** 20)}. Set TMPDIR to another place.`,
      )
    }
  }

  /**
   * Makes a file to upload, once.
   *
   * @param {number} sizeBytes
   * @returns {Promise<string>} its path
   */
  async sourceFile(sizeBytes) {
    const path = this.path(`source-${sizeBytes}`)
    const file = await open(path, 'wx').catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
    if (file === undefined) return path
    try {
      await this.needSpace(sizeBytes)
      const block = new Uint8Array(BLOCK_BYTES)
      for (let at = 0; at < block.length; at += 65_536)
        crypto.getRandomValues(block.subarray(at, at + 65_536))
      for (let at = 0; at < sizeBytes; at += block.length) {
        await file.writeFile(block.subarray(0, Math.min(block.length, sizeBytes - at)))
      }
      // Or the disk would still be busy with it while the first transfer runs.
      await file.sync()
    } finally {
      await file.close()
    }
    return path
  }

  /**
   * Makes a file of zeros that takes no place on the disk.
   *
   * @param {number} sizeBytes
   * @returns {Promise<string>} its path
   */
  async sparseFile(sizeBytes) {
    const path = this.path(`sparse-${sizeBytes}`)
    await writeFile(path, '')
    await truncate(path, sizeBytes)
    return path
  }
}
