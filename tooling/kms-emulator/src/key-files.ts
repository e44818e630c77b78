import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { sync as writeFileAtomicSync } from 'write-file-atomic'
import { type KeyRecord, keyRecordSchema } from './key-record.ts'

/** The storage of the keys. Each call is synchronous. */
export interface KeyFiles {
  /** The ids of all keys, including deleted ones. */
  keyIds(): readonly string[]
  read(keyId: string): KeyRecord | undefined
  write(record: KeyRecord): void
}

/** Keys in memory. They exist as long as the emulator. */
export class MemoryKeyFiles implements KeyFiles {
  readonly #records = new Map<string, KeyRecord>()

  keyIds(): readonly string[] {
    return [...this.#records.keys()]
  }

  read(keyId: string): KeyRecord | undefined {
    return this.#records.get(keyId)
  }

  write(record: KeyRecord): void {
    this.#records.set(record.keyId, record)
  }
}

const FILE_NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$/

/**
 * Keys as JSON files, one for each key. A file is read each time its key is used, so several emulators see the same keys
 * in the same states without a lock.
 */
export class JsonKeyFiles implements KeyFiles {
  readonly #directory: string

  constructor(dataDirectory: string) {
    this.#directory = join(dataDirectory, 'keys')
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    // The directory may exist with other permissions.
    chmodSync(this.#directory, 0o700)
  }

  keyIds(): readonly string[] {
    return readdirSync(this.#directory).flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
  }

  read(keyId: string): KeyRecord | undefined {
    const path = join(this.#directory, `${keyId}.json`)
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const record = v.safeParse(v.pipe(v.string(), v.parseJson(), keyRecordSchema), text)
    // The cause would quote the file, and the key in it.
    if (!record.success || record.output.keyId !== keyId)
      throw new Error(`${path} is not a key file of this emulator.`)
    return record.output
  }

  write(record: KeyRecord): void {
    const path = join(this.#directory, `${record.keyId}.json`)
    writeFileAtomicSync(path, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 })
  }
}
