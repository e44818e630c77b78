import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary directory that is removed when it is closed, or when this process ends (but by SIGKILL). */
export class Workspace {
  directory = mkdtempSync(join(tmpdir(), 'oss-cse-survival-'))
  #onExit = () => this.close()

  constructor() {
    process.on('exit', this.#onExit)
  }

  path(...names) {
    return join(this.directory, ...names)
  }

  close() {
    process.off('exit', this.#onExit)
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
