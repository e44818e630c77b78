import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { checkpointFiles, onlyRecord } from '../checkpoint-files.js'
import { Findings } from '../findings.js'
import { eachInterrupted } from '../interrupted-transfers.js'
import { Random } from '../random.js'
import { startTransfer, transferEnd, usedWorkers } from '../transfer-process.js'

/** Long enough altogether for the threads of large files. */
const PART_KIB = 384
const PARTS = 24
const PARALLEL = 3

/**
 * `process.exit()` in the middle of a transfer by worker threads: the process does not wait for them, no file has its final
 * name, and the next run resumes.
 *
 * @param {{ exits: number, seed: number }} options - of uploads, and as many of downloads
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function exits({ exits, seed }) {
  const random = new Random(seed).fork('exits')
  const findings = new Findings()
  const options = { count: exits, parts: PARTS, partKiB: PART_KIB, parallel: PARALLEL, random }
  await eachInterrupted(options, async ({ number, choice, ...interrupted }) => {
    const transfer = new ExitedTransfer(interrupted, findings)
    // Two of four (one in each format) while the server answers nothing, so that waiting for the transfer would never end.
    if (number % 4 < 2) await transfer.exitWhileHeld(choice.integer(0, PARTS - PARALLEL))
    else await transfer.exitAtReport(choice.integer(1, PARTS))
  })
  return findings.outcome('exits')
}

/** One transfer whose first process exits early. */
class ExitedTransfer {
  #site
  #source
  #format
  #findings
  #transfer
  #bytesKind
  #directory
  #when

  constructor({ site, source, format, directory, transfer, bytesKind }, findings) {
    this.#site = site
    this.#source = source
    this.#format = format
    this.#findings = findings
    this.#transfer = transfer
    this.#bytesKind = bytesKind
    this.#directory = directory
    this.#when = `${transfer.operation} (${format})`
  }

  async exitWhileHeld(passed) {
    this.#when += `, exit while parts are held after ${passed}`
    const gate = this.#site.tap.gate(this.#bytesKind, passed, PARALLEL)
    const child = startTransfer(this.#site, this.#transfer, { format: this.#format })
    await Promise.race([gate.reached, child.ended])
    child.send('exit')
    const { code } = await child.ended
    this.#expect(code === 0, `the process ended with ${code}`)
    gate.open()
    this.#findings.count(
      `${this.#transfer.operation}s (${this.#format}) that exit while the server holds parts`,
    )
    await this.#checkExit()
    await this.#resume()
  }

  async exitAtReport(exitAtReport) {
    this.#when += `, exit at report ${exitAtReport}`
    const child = startTransfer(this.#site, this.#transfer, { format: this.#format, exitAtReport })
    const end = await transferEnd(child)
    this.#expect(end === undefined, 'ended before that report')
    this.#findings.count(`${this.#transfer.operation}s (${this.#format}) that exit at a report of progress`)
    await this.#checkExit()
    await this.#resume()
  }

  async #checkExit() {
    const { operation, key, path } = this.#transfer
    await this.#site.tap.idle()
    if (operation === 'download') this.#expect(!existsSync(path), 'a file has its final name')
    else this.#expect((await this.#site.stored(key)) === undefined, 'the object was stored')
  }

  /** The next run: it transfers what is missing, and nothing else. */
  async #resume() {
    const record = onlyRecord(this.#site.checkpoints)
    const spared = await this.#spared(record)
    const first = this.#site.tap.exchanges.length
    const end = await transferEnd(startTransfer(this.#site, this.#transfer, { format: this.#format }))
    await this.#site.tap.idle()
    this.#expect(end !== undefined && end.error === undefined, `the next run failed: ${end?.error}`)
    if (end === undefined || end.error !== undefined) return
    const restarts = end.events.filter(({ type }) => type === 'restart')
    this.#expect(restarts.length === 0, `the next run restarted: ${restarts[0]?.message}`)
    const exchanges = this.#site.tap.exchanges.slice(first)
    const count = (wanted) => exchanges.filter(({ kind }) => kind === wanted).length
    const sent = count(this.#bytesKind)
    // A part that was held may have arrived after the exit.
    const resumed = Math.ceil(end.resumedBytes / this.#site.partBytes)
    this.#expect(resumed >= spared, `the next run spared ${resumed} parts, although ${spared} were there`)
    this.#expect(sent === PARTS - resumed, `the next run transferred ${sent} parts, and resumed ${resumed}`)
    if (record !== undefined) {
      this.#expect(count('initiate') === 0, 'the next run started again although there was a checkpoint')
      this.#findings.count('runs that resumed')
      this.#findings.count('parts spared', resumed)
    }
    if (sent === PARTS) this.#expect(usedWorkers(end, this.#transfer.operation), 'no worker moved its bytes')
    await this.#checkEnd()
  }

  /** How many parts are there. */
  async #spared(record) {
    if (record === undefined) return 0
    if (this.#transfer.operation === 'download') return Object.keys(record.parts).length
    const { uploadId } = record.upload
    const { parts } = await this.#site.transport.listParts({ key: this.#transfer.key, uploadId })
    return parts.length
  }

  async #checkEnd() {
    const { checkpoints } = this.#site
    const { operation, key, path } = this.#transfer
    await this.#site.checkSent(this.#findings, this.#when)
    if (operation === 'upload') {
      this.#expect(
        this.#source.bytes.equals(await this.#site.content(key, this.#format)),
        'the object is not the file',
      )
      const pending = await this.#site.pendingUploads(key)
      this.#findings.count('uploads left behind by an exit before the first checkpoint', pending.length)
    } else {
      this.#expect(this.#source.bytes.equals(readFileSync(path)), 'the file is not the object')
      const left = readdirSync(this.#directory)
      this.#expect(left.length === 1, `left ${left}`)
    }
    const records = checkpointFiles(checkpoints)
    this.#expect(records.length === 0, `the checkpoint directory still has ${records}`)
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this.#when}: ${failure}`)
  }
}
