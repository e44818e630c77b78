import { mkdir, readdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { dataDirectory, makeDirectory } from '@oss-cse/bucket/node'
import { type CliEnvironment, variable } from '../base/cli-environment.ts'
import { configurationError, systemCode } from '../base/cli-error.ts'
import { type RunRecord, readRunRecord, writeRunRecord } from './run-record.ts'

/** The environment variable that names another directory for embedded runs. */
const DIRECTORY_VARIABLE = 'OSS_CSE_FLEET_DIR'

/** The directory of the embedded runs of this user: one directory for each run, which nobody else can read. */
export class FleetDirectory {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Returns all runs, the newest first. Directories of other things are skipped. */
  async list(): Promise<readonly RunRecord[]> {
    const names = await readdir(this.path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return []
      throw this.#unusable(error)
    })
    const records = await Promise.all(names.map((name) => this.read(name)))
    return records
      .filter((record) => record !== undefined)
      .sort((one, other) => (one.created < other.created ? 1 : -1))
  }

  async read(id: string): Promise<RunRecord | undefined> {
    try {
      const record = await readRunRecord(this.#recordPath(id))
      return record?.id === id ? record : undefined
    } catch (error) {
      throw this.#unusable(error)
    }
  }

  /** Writes the record of a run, and creates its directory if it is missing. */
  async write(record: RunRecord): Promise<void> {
    try {
      await makeDirectory(this.runPath(record.id))
      await writeRunRecord(this.#recordPath(record.id), record)
    } catch (error) {
      throw this.#unusable(error)
    }
  }

  /**
   * Creates the directory of a new run.
   *
   * @returns false if there is such a directory already, of another process perhaps
   */
  async claim(id: string): Promise<boolean> {
    try {
      await makeDirectory(this.path)
      await mkdir(this.runPath(id), { mode: 0o700 })
      return true
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return false
      throw this.#unusable(error)
    }
  }

  /** Where everything of a run is. */
  runPath(id: string): string {
    return join(this.path, id)
  }

  /** Removes everything of a run. */
  async remove(id: string): Promise<void> {
    await rm(this.runPath(id), { recursive: true, force: true })
  }

  /** Removes the queue of a finished run, which is large. Its record and its report stay. */
  async removeQueue(id: string): Promise<void> {
    await rm(this.queuePath(id), { recursive: true, force: true })
  }

  /** Where the queue of a run is. */
  queuePath(id: string): string {
    return join(this.runPath(id), 'queue')
  }

  /** Where the report of a run is, unless `--report` names another place. */
  reportPath(id: string): string {
    return join(this.runPath(id), 'report')
  }

  #recordPath(id: string): string {
    return join(this.runPath(id), 'run.json')
  }

  #unusable(cause: unknown): Error {
    const code = systemCode(cause)
    if (code === undefined) return cause as Error
    return configurationError(
      `The directory for runs, ${this.path}, cannot be used (${code}). Name another one with ${DIRECTORY_VARIABLE}.`,
      cause,
    )
  }
}

/**
 * Returns the directory of this user's embedded runs. It need not exist.
 *
 * @throws CliError of kind `configuration` when the user has no home directory
 */
export function fleetDirectory(cli: Pick<CliEnvironment, 'env'>): FleetDirectory {
  const named = variable(cli, DIRECTORY_VARIABLE)
  if (named !== undefined) return new FleetDirectory(named)
  const data = dataDirectory({ platform: process.platform, env: cli.env, homedir })
  if (data !== undefined) return new FleetDirectory(join(data, 'fleet'))
  throw configurationError(
    `This user has no home directory to keep runs in. Set HOME, or name a directory with ${DIRECTORY_VARIABLE}.`,
  )
}
