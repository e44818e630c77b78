import { readFileSync } from 'node:fs'
import { checkpointFiles } from '../checkpoint-files.js'
import { FILE_CHANGES, setModified } from '../file-changes.js'
import { Findings } from '../findings.js'
import { FORMATS } from '../formats.js'
import { contentKeyOf } from '../key-material.js'
import { Site } from '../site.js'

/** Long enough altogether for the thread that encrypts large files. */
const PART_KIB = 384
const PARTS = 12
/** How many parts are sent before the file changes. */
const SENT = 4
const PLACES = { begun: 1.5 * PART_KIB * 1024, later: (PARTS - 1.5) * PART_KIB * 1024 }
/** More than lies between a client and a server that does not read. */
const WHOLE_BYTES = 24 * 1024 ** 2
const WHOLE_PLACES = { begun: 100_000, later: WHOLE_BYTES - 100_000 }
const CHANGED = /ERR_CSE_SOURCE(?:_CHANGED)?\]/
const RESTARTS = /restarts/

/**
 * A file that changes between two runs of an upload, or during one: what is stored is the file as it was at some moment
 * at rest, and no two ciphertexts ever go out for one part of one upload.
 *
 * @param {{ changes?: number }} [options] - how many of the ways to change; all when absent
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function changingFile({ changes } = {}) {
  const findings = new Findings()
  const site = await Site.open({ partKiB: PART_KIB })
  try {
    for (const [index, change] of FILE_CHANGES.slice(0, changes).entries()) {
      for (const format of FORMATS) {
        const common = { site, findings, change, format }
        await new ChangingFile({ ...common, name: `between-${format}-${index}` }).changeBetweenRuns()
        await new ChangingFile({ ...common, name: `during-${format}-${index}` }).changeDuringRun()
        await new ChangingFile({ ...common, name: `put-${format}-${index}`, whole: true }).changeDuringRun()
      }
    }
  } finally {
    await site.close()
  }
  return findings.outcome('changing-file')
}

/** One file and its upload. */
class ChangingFile {
  #site
  #findings
  #change
  #format
  #whole
  #key
  #path
  #when

  constructor({ site, findings, change, format, name, whole = false }) {
    this.#site = site
    this.#findings = findings
    this.#change = change
    this.#key = name
    this.#format = format
    this.#whole = whole
    this.#path = site.randomFile(name, whole ? WHOLE_BYTES : PARTS * site.partBytes - 5).path
    setModified(this.#path)
    site.tap.reset()
  }

  async changeBetweenRuns() {
    this.#when = `a file that ${this.#change.what} between two runs (${this.#format})`
    const gate = this.#site.tap.gate('part', SENT)
    const command = this.#put()
    await Promise.race([gate.reached, command.ended])
    await command.kill()
    gate.open()
    await this.#site.tap.idle()
    this.#change.make(this.#path, PLACES)
    const stderr = await this.#finish()
    const keys = await this.#contentKeys()
    this.#expect(keys.length === 1 || RESTARTS.test(stderr), `restarted without saying so: ${stderr}`)
    this.#findings.count(keys.length > 1 ? 'uploads that restarted' : 'uploads that resumed')
    this.#expect(new Set(keys).size === keys.length, 'an upload started again under the old key')
    await this.#checkEnd()
  }

  async changeDuringRun() {
    this.#when = `a file that ${this.#change.what} during a run (${this.#format}${this.#whole ? ', in one request' : ''})`
    const old = readFileSync(this.#path)
    const gate = this.#whole ? this.#site.tap.gate('put', 0) : this.#site.tap.gate('part', SENT)
    const command = this.#put()
    await Promise.race([gate.reached, command.ended])
    this.#change.make(this.#path, this.#whole ? WHOLE_PLACES : PLACES)
    gate.open()
    const { code, stderr } = await command.ended
    if (code === 0) {
      const stored = await this.#site.content(this.#key, this.#format)
      const atRest = [old, readFileSync(this.#path)].some((bytes) => bytes.equals(stored))
      this.#expect(atRest, 'was stored as it never was')
      this.#findings.count('runs that stored the file as it was')
    } else {
      this.#expect(CHANGED.test(stderr), `failed without saying so: ${stderr}`)
      const stored = await this.#site.stored(this.#key)
      this.#expect(stored === undefined, 'failed and was stored nevertheless')
      this.#findings.count('runs that failed and stored nothing')
    }
    await this.#finish()
    await this.#checkEnd()
  }

  #put() {
    return this.#site.put(this.#path, this.#key, { format: this.#format, whole: this.#whole })
  }

  /** The next run, with the file at rest. */
  async #finish() {
    const { code, stderr } = await this.#put().ended
    this.#expect(code === 0, `could not be uploaded afterwards: ${stderr}`)
    if (code === 0) {
      const stored = await this.#site.content(this.#key, this.#format)
      this.#expect(readFileSync(this.#path).equals(stored), 'was stored otherwise than it is')
    }
    return stderr
  }

  async #contentKeys() {
    const initiations = this.#site.tap.exchanges.filter(({ kind }) => kind === 'initiate')
    return Promise.all(
      initiations.map(async ({ headers }) => {
        const [{ bytes }] = await contentKeyOf(headers, this.#site.keyring)
        return Buffer.from(bytes).toString('hex')
      }),
    )
  }

  async #checkEnd() {
    this.#findings.count(`changes, ${this.#format}`)
    await this.#site.checkSent(this.#findings, this.#when)
    this.#expect(checkpointFiles(this.#site.checkpoints).length === 0, 'a checkpoint was left')
    const pending = await this.#site.pendingUploads(this.#key)
    this.#expect(pending.length === 0, `${pending.length} uploads were left on the server`)
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this.#when}: ${failure}`)
  }
}
