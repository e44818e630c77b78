import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { checkpointFiles } from '../checkpoint-files.js'
import { Findings } from '../findings.js'
import { eachInterrupted } from '../interrupted-transfers.js'
import { Random } from '../random.js'
import { startTransfer, transferEnd, usedWorkers } from '../transfer-process.js'

/** Long enough altogether for the threads of large files. */
const PART_KIB = 512
const PARTS = 18
const PARALLEL = 3
const IDLE_TIMEOUT_MS = 500
/** Longer than the idle timeout: when the process goes on, all its connections have been idle for too long. */
const STOP_MS = 3 * IDLE_TIMEOUT_MS

/**
 * A process that is stopped in the middle of parts for longer than its idle timeout, as by Ctrl-Z or a laptop that sleeps:
 * the transfer arrives intact in the same run.
 *
 * @param {{ stops: number, seed: number }} options - of uploads, and as many of downloads
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function stopped({ stops, seed }) {
  const findings = new Findings()
  if (process.platform === 'win32') return { ...findings.outcome('stopped'), skipped: 'there are no signals' }
  const random = new Random(seed).fork('stopped')
  const options = { count: stops, parts: PARTS, partKiB: PART_KIB, parallel: PARALLEL, random }
  await eachInterrupted(options, (interrupted) => new StoppedTransfer(interrupted, findings).run())
  return findings.outcome('stopped')
}

/** One transfer, stopped once. */
class StoppedTransfer {
  #site
  #source
  #format
  #findings
  #transfer
  #bytesKind
  #directory
  #passed
  #answeredMeanwhile

  constructor({ site, source, format, directory, transfer, bytesKind, choice }, findings) {
    this.#site = site
    this.#source = source
    this.#format = format
    this.#findings = findings
    this.#transfer = transfer
    this.#bytesKind = bytesKind
    this.#directory = directory
    this.#passed = choice.integer(0, PARTS - PARALLEL)
    this.#answeredMeanwhile = choice.next() < 0.5
  }

  async run() {
    const { operation } = this.#transfer
    const gate = this.#site.tap.gate(this.#bytesKind, this.#passed, PARALLEL)
    const child = startTransfer(this.#site, this.#transfer, {
      format: this.#format,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
    })
    await Promise.race([gate.reached, child.ended])
    child.signal('SIGSTOP')
    // What was held is answered while nobody listens, or only afterwards.
    if (this.#answeredMeanwhile) gate.open()
    await delay(STOP_MS)
    child.signal('SIGCONT')
    gate.open()
    const end = await transferEnd(child)
    this.#findings.count(`${operation}s stopped, ${this.#format}`)
    this.#expect(end !== undefined, 'the process ended without a word')
    if (end === undefined) return
    this.#expect(end.error === undefined, `failed: ${end.error}`)
    this.#expect(usedWorkers(end, operation), 'no worker thread moved its bytes')
    for (const { type, code } of end.events) this.#findings.count(`${type} after ${code}`)
    await this.#checkEnd()
  }

  async #checkEnd() {
    const { checkpoints } = this.#site
    const { operation, key, path } = this.#transfer
    await this.#site.checkSent(this.#findings, this.#when)
    if (operation === 'upload') {
      const stored = await this.#site.content(key, this.#format)
      this.#expect(this.#source.bytes.equals(stored), 'the object is not the file')
      const pending = await this.#site.pendingUploads(key)
      this.#expect(pending.length === 0, `${pending.length} uploads were left on the server`)
    } else {
      this.#expect(this.#source.bytes.equals(readFileSync(path)), 'the file is not the object')
      const left = readdirSync(this.#directory)
      this.#expect(left.length === 1, `left ${left}`)
    }
    const records = checkpointFiles(checkpoints)
    this.#expect(records.length === 0, `the checkpoint directory still has ${records}`)
  }

  get #when() {
    return `${this.#transfer.operation} (${this.#format}), stopped after ${this.#passed} parts`
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this.#when}: ${failure}`)
  }
}
