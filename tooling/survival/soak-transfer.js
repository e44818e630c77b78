import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryCheckpointStore } from '@oss-cse/bucket'
import { downloadFile, FileCheckpointStore, uploadFile } from '@oss-cse/bucket/node'
import { CseError } from '@oss-cse/crypto-core'
import { ObservedStore } from './observed-store.js'
import { PART_BYTES } from './soak-objects.js'

const TRIES = 20

/** One object of the soak: up, down again, and compared; each as often as it takes. */
export class SoakTransfer {
  #object
  #bucket
  #findings
  #directory
  #checkpoints
  /** @type {ObservedStore | undefined} */
  #store
  #step = 'begins'
  #events = []
  #everFailed = false

  /**
   * @param {object} options
   * @param {import('./soak-objects.js').SoakObject} options.object
   * @param {(maxAttempts: number, logger: import('@oss-cse/bucket').Logger) => import('@oss-cse/bucket').CryptoBucket}
   * options.openBucket
   * @param {string} options.directory
   * @param {import('./findings.js').Findings} options.findings
   */
  constructor({ object, openBucket, directory, findings }) {
    this.#object = object
    this.#bucket = openBucket(object.maxAttempts, (event) => this.#heard(event))
    this.#findings = findings
    this.#directory = join(directory, object.name)
    this.#checkpoints = join(this.#directory, 'checkpoints')
  }

  /** For a person who wonders what is still under way. */
  toString() {
    const { name, sizeBytes, store } = this.#object
    return `${name}, ${sizeBytes} bytes, checkpoint: ${store}: ${this.#step}`
  }

  async run() {
    const { name, sizeBytes, store } = this.#object
    await mkdir(this.#checkpoints, { recursive: true })
    if (store === 'memory') this.#store = new ObservedStore(new MemoryCheckpointStore())
    if (store === 'file') {
      this.#store = new ObservedStore(new FileCheckpointStore({ directory: this.#checkpoints }))
    }
    const [source, target] = [join(this.#directory, 'source'), join(this.#directory, 'target')]
    const bytes = randomBytes(sizeBytes)
    await writeFile(source, bytes)
    const options = {
      partSizeBytes: PART_BYTES,
      multipartThresholdBytes: PART_BYTES,
      checkpointStore: this.#store,
    }
    const arrived =
      (await this.#tryOften('upload', () => uploadFile(this.#bucket, name, source, options))) &&
      (await this.#tryOften('download', () => downloadFile(this.#bucket, name, target, options)))
    this.#findings.count('objects')
    if (arrived) {
      const intact = digest(bytes) === digest(await readFile(target))
      this.#expect(intact, 'arrived damaged')
      this.#findings.count(this.#everFailed ? 'objects intact after another try' : 'objects intact at once')
      await this.#expectNothingLeft()
    } else {
      this.#findings.count('objects refused in the end')
    }
    await rm(this.#directory, { recursive: true })
  }

  async #tryOften(operation, transfer) {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
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
      if (!this.#expect(CseError.isInstance(error), `${operation} failed otherwise: ${error?.stack}`))
        return false
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
      this.#findings.count(`${operation}s that began anew: ${said.message}`)
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

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
