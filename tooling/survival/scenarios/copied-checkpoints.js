import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointFiles, onlyRecord } from '../checkpoint-files.js'
import { setModified, writeQuietly } from '../file-changes.js'
import { Findings } from '../findings.js'
import { FORMATS } from '../formats.js'
import { Site } from '../site.js'

/** Long enough altogether for the threads of large files. */
const PART_KIB = 384
const PARTS = 14
const PARALLEL = 3
/** How many parts the server gets of the first run, and how many more the first run begins. */
const HELD = 4
/** Where in a part it changes, and how much of the part must have left for both contents to leave. */
const CHANGED = { offset: 10_000, sent: 20_000 }
const RESTARTS = /restarts/

/**
 * What a second run does before it is killed, what happens to the file, and what the third run must do with the record of
 * the first one. The copy knows the parts up to `HELD + PARALLEL`.
 *
 * `passed` is how many parts the server gets of the second run, which begins as many more as there are at once; absent: it
 * uploads the object. `changed` is the number of the part that changes.
 */
const CASES = [
  { what: 'parts were begun later', passed: PARALLEL, restarts: false },
  { what: 'the server got a part later that changed', passed: PARALLEL + 2, changed: 9, restarts: true },
  {
    what: 'a part was begun later and changed, which no copy can know',
    passed: PARALLEL,
    changed: 9,
    restarts: false,
    unknown: true,
  },
  { what: 'the server got a part later', passed: PARALLEL + 2, restarts: true },
  { what: 'a part changed that the copy knows', passed: PARALLEL, changed: 2, restarts: true },
  { what: 'a part changed that was never begun', passed: PARALLEL, changed: PARTS - 1, restarts: false },
  { what: 'the upload was completed', restarts: true },
  { what: 'the upload was completed, and a part changed', changed: 9, restarts: true },
]

/**
 * An earlier copy of the record of an upload is put back: it does not know what was begun later. What the next run can tell
 * from the copy, the file and the server must not be encrypted once more under the same key. What it cannot tell is a part
 * that was begun later, that the server does not have, and that changed while size and time of the file did not.
 *
 * @param {{ cases?: number }} [options] - how many of the cases; all when absent
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function copiedCheckpoints({ cases } = {}) {
  const findings = new Findings()
  const site = await Site.open({ partKiB: PART_KIB, parallel: PARALLEL })
  try {
    for (const [index, given] of CASES.slice(0, cases).entries()) {
      for (const format of FORMATS) {
        await new CopiedCheckpoint({ site, findings, given, format, key: `${format}-${index}` }).run()
      }
    }
  } finally {
    await site.close()
  }
  return findings.outcome('copied-checkpoints')
}

/** One upload whose record is exchanged for an older copy. */
class CopiedCheckpoint {
  #site
  #findings
  #given
  #format
  #key
  #path

  constructor({ site, findings, given, format, key }) {
    this.#site = site
    this.#findings = findings
    this.#given = given
    this.#format = format
    this.#key = key
    this.#path = site.randomFile(key, PARTS * site.partBytes - 4096).path
    setModified(this.#path)
    site.tap.reset()
  }

  async run() {
    const { passed, changed } = this.#given
    await this.#interrupted(HELD)
    const copy = this.#copy()
    if (passed === undefined) await this.#finish()
    else await this.#interrupted(passed)
    writeFileSync(copy.path, copy.bytes)
    const left = this.#leftOf(changed)
    if (changed !== undefined) {
      writeQuietly(this.#path, [(changed - 1) * this.#site.partBytes + CHANGED.offset])
    }
    const stderr = await this.#finish()
    this.#expect(RESTARTS.test(stderr) === this.#given.restarts, `said: ${stderr}`)
    await this.#checkEnd(left)
  }

  /** A run of which the server gets so many parts, and that is killed while it sends the next ones. */
  async #interrupted(passed) {
    const gate = this.#site.tap.gate('part', passed, PARALLEL)
    const command = this.#put()
    await Promise.race([gate.reached, command.ended])
    await command.kill()
    gate.drop()
    await this.#site.tap.idle()
  }

  #copy() {
    const { checkpoints } = this.#site
    const known = Object.keys(onlyRecord(checkpoints).upload.partDigests).length
    this.#expect(known === HELD + PARALLEL, `the record of the first run knows ${known} parts`)
    const path = join(
      checkpoints,
      checkpointFiles(checkpoints).find((name) => name.endsWith('.json')),
    )
    return { path, bytes: readFileSync(path) }
  }

  async #finish() {
    const { code, stderr } = await this.#put().ended
    this.#expect(code === 0, `ended with ${code}: ${stderr}`)
    return stderr
  }

  #put() {
    return this.#site.put(this.#path, this.#key, { format: this.#format })
  }

  async #checkEnd(left) {
    this.#findings.count(`copies put back, ${this.#format}`)
    const stored = await this.#site.content(this.#key, this.#format)
    this.#expect(readFileSync(this.#path).equals(stored), 'the object is not the file')
    await this.#checkSent(left)
    this.#expect(checkpointFiles(this.#site.checkpoints).length === 0, 'a checkpoint was left')
    const pending = await this.#site.pendingUploads(this.#key)
    this.#expect(pending.length === 0, `${pending.length} uploads were left on the server`)
  }

  /** How much of a part has left. */
  #leftOf(partNumber) {
    const { uploadId } = this.#site.tap.exchanges.find(({ kind }) => kind === 'initiate')
    return this.#site.sent.partBody(uploadId, partNumber)?.length ?? 0
  }

  async #checkSent(left) {
    if (!this.#given.unknown) {
      await this.#site.checkSent(this.#findings, this.#when)
      return
    }
    // No promise is broken. That this is seen here shows that it would be seen where one is.
    await this.#site.tap.idle()
    const { failures } = await this.#site.sent.report()
    const unseen = failures.length === 0 && left >= CHANGED.sent
    this.#expect(!unseen, 'two plaintexts under one key were not seen on the wire')
    this.#findings.count(
      `copies that could not know of a change, ${this.#format}`,
      failures.length > 0 ? 1 : 0,
    )
  }

  get #when() {
    return `a copied checkpoint (${this.#format}), ${this.#given.what}`
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this.#when}: ${failure}`)
  }
}
