import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryCheckpointStore } from '@oss-cse/bucket'
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { CseError } from '@oss-cse/crypto-core'
import { ObservedStore } from './observed-store.js'

const TRIES = 20

/**
 * @typedef {object} TransferredObject
 * @property {string} name
 * @property {import('@oss-cse/crypto-core').ContentFormat} format
 * @property {number} sizeBytes
 * @property {number} partBytes - the length of parts, and from which length on it goes in parts
 * @property {'none' | 'memory' | 'file'} store - what its checkpoints are kept in
 * @property {number} maxAttempts - how often one request is sent
 */

/**
 * @typedef {object} ArrivedObject
 * @property {string} name
 * @property {import('@oss-cse/crypto-core').ContentFormat} format
 * @property {string} digest - of its plaintext
 */

/** One object: up, down again, and compared; each as often as it takes. */
export class RetriedTransfer {
  #object
  #bucket
  #mayFail
  #tries
  #findings
  #onArrived
  #directory
  #checkpoints
  /** @type {ObservedStore | undefined} */
  #store
  #step = 'begins'
  #events = []
  #everFailed = false

  /**
   * @param {object} options
   * @param {TransferredObject} options.object
   * @param {(object: TransferredObject, logger: import('@oss-cse/bucket').Logger) =>
   * import('@oss-cse/bucket').CryptoBucket} options.openBucket
   * @param {string} options.directory
   * @param {import('./findings.js').Findings} options.findings
   * @param {(error: import('@oss-cse/crypto-core').CseError) => boolean} [options.mayFail] - with which errors a try may
   * fail; with any when absent
   * @param {number} [options.tries]
   * @param {(object: ArrivedObject) => void} [options.onArrived]
   */
  constructor({
    object,
    openBucket,
    directory,
    findings,
    mayFail = () => true,
    tries = TRIES,
    onArrived = () => {},
  }) {
    this.#object = object
    this.#bucket = openBucket(object, (event) => this.#heard(event))
    this.#mayFail = mayFail
    this.#tries = tries
    this.#findings = findings
    this.#onArrived = onArrived
    this.#directory = join(directory, object.name)
    this.#checkpoints = join(this.#directory, 'checkpoints')
  }

  /** For a person who wonders what is still under way. */
  toString() {
    const { name, format, sizeBytes, store } = this.#object
    return `${name}, ${format}, ${sizeBytes} bytes, checkpoint: ${store}: ${this.#step}`
  }

  async run() {
    const { name, format, sizeBytes, partBytes, store } = this.#object
    await mkdir(this.#checkpoints, { recursive: true })
    if (store === 'memory') this.#store = new ObservedStore(new MemoryCheckpointStore())
    if (store === 'file') {
      this.#store = new ObservedStore(new FileCheckpointStore({ directory: this.#checkpoints }))
    }
    const [source, target] = [join(this.#directory, 'source'), join(this.#directory, 'target')]
    const bytes = randomBytes(sizeBytes)
    await writeFile(source, bytes)
    const options = {
      partSizeBytes: partBytes,
      multipartThresholdBytes: partBytes,
      checkpointStore: this.#store,
    }
    const arrived =
      (await this.#tryOften('upload', () => uploadFile(this.#bucket, name, source, options))) &&
      (await this.#tryOften('download', async () => {
        try {
          await downloadFile(this.#bucket, name, target, options)
        } catch (error) {
          this.#expect(!existsSync(target), 'a download failed and left a file under its final name')
          throw error
        }
      }))
    this.#findings.count('objects')
    this.#findings.count(`objects, ${format}`)
    if (arrived) {
      const intact = digest(bytes) === digest(await readFile(target))
      this.#expect(intact, 'arrived damaged')
      this.#onArrived({ name, format, digest: digest(bytes) })
      this.#findings.count(this.#everFailed ? 'objects intact after another try' : 'objects intact at once')
      await this.#expectNothingLeft()
    } else {
      this.#findings.count('objects refused in the end')
    }
    await rm(this.#directory, { recursive: true })
  }

  async #tryOften(operation, transfer) {
    for (let attempt = 1; attempt <= this.#tries; attempt++) {
      this.#step = `${operation}, try ${attempt}`
      const goesOn = this.#store?.hasRecord === true
      this.#events = []
      const failure = await transfer().then(
        () => undefined,
        (error) => ({ error }),
      )
      if (goesOn) this.#expectGoingOn(operation, failure)
      if (failure === undefined) return true
      this.#everFailed = true
      const { error } = failure
      const expected = CseError.isInstance(error) && this.#mayFail(error)
      if (!this.#expect(expected, `${operation} failed otherwise: ${error?.stack}`)) return false
      this.#findings.count(`${operation}s refused: ${error.code}`)
    }
    return false
  }

  /** A try that found a checkpoint says what became of it, unless it failed before it could. */
  #expectGoingOn(operation, failure) {
    const said = this.#events.find(({ type }) => type === 'resume' || type === 'restart')
    if (said === undefined) {
      this.#expect(failure !== undefined, `${operation} did not go on, although there was a checkpoint`)
    } else if (said.type === 'resume') {
      this.#findings.count(`${operation}s that went on`)
    } else {
      this.#findings.count(`${operation}s that started again: ${said.message}`)
    }
  }

  async #expectNothingLeft() {
    const left = await readdir(this.#directory, { recursive: true })
    const others = left.filter(
      (name) => !['checkpoints', 'checkpoints/checkpoints.key', 'source', 'target'].includes(name),
    )
    this.#expect(others.length === 0, `left ${others}`)
  }

  #heard(event) {
    this.#events.push(event)
    if (event.type === 'retry') this.#findings.count(`retries after ${event.code}`)
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this}: ${failure}`)
  }
}

/** What is compared of an object. */
export function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
