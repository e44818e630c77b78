import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const WAYS = [
  ['unshare', '--mount'],
  ['unshare', '--user', '--map-root-user', '--mount'],
]
const FILLER = 'filler'

/**
 * A command that runs another one where it may mount what nobody else sees, and what is gone when it ends.
 *
 * @returns {readonly string[] | undefined} `undefined` where that cannot be
 */
export function privateMounts() {
  return WAYS.find(([command, ...args]) => {
    const { status } = spawnSync(command, [...args, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], {
      stdio: 'ignore',
    })
    return status === 0
  })
}

/** A small file system in memory. */
export class SmallDisk {
  directory

  constructor(directory, sizeKiB) {
    this.directory = directory
    mkdirSync(directory)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k,mode=0700`, 'tmpfs', directory])
  }

  path(name) {
    return join(this.directory, name)
  }

  resize(sizeKiB) {
    this.#remount(`size=${sizeKiB}k`)
  }

  makeReadOnly() {
    this.#remount('ro')
  }

  /** Also when files of it are still open. */
  unmount() {
    execFileSync('umount', ['--lazy', this.directory])
  }

  /** Leaves not a byte free. */
  fill() {
    const file = openSync(this.path(FILLER), 'w')
    try {
      for (let bytes = 65_536; bytes >= 1; ) {
        try {
          writeSync(file, new Uint8Array(bytes))
        } catch (error) {
          if (error.code !== 'ENOSPC') throw error
          bytes = Math.floor(bytes / 2)
        }
      }
    } finally {
      closeSync(file)
    }
  }

  /** Takes back what filled it. */
  free() {
    rmSync(this.path(FILLER))
  }

  #remount(options) {
    execFileSync('mount', ['-o', `remount,${options}`, this.directory])
  }
}
