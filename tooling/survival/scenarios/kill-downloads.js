import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointFiles, onlyRecord } from '../checkpoint-files.js'
import { Findings } from '../findings.js'
import { FORMATS } from '../formats.js'
import { contentKeyOf, findSecrets } from '../key-material.js'
import { spreadKills } from '../kill-schedule.js'
import { openKillSite, undisturbed } from '../kill-site.js'
import { Random } from '../random.js'
import { plaintextOffset, SEGMENT_BYTES, sealedLength, segmentAt } from '../sealed-object.js'

/** What a download looks for before its first request: whether a file can be made there. */
const PROBE = /^\.oss-cse-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/

/**
 * `kill -9` of downloads at random moments: the next run fetches what is missing and nothing else, and the file is
 * right.
 *
 * @param {{ kills: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function killDownloads({ kills, seed }) {
  const random = new Random(seed).fork('kill-downloads')
  const findings = new Findings()
  const { site, source } = await openKillSite(random)
  try {
    const ways = []
    for (const format of FORMATS) {
      await undisturbed(site.put(source.path, format, { format }))
      const secrets = await contentKeyOf((await site.stored(format)).headers, site.keyring)
      const get = site.get(format, site.workspace.path(`undisturbed-${format}`), { format })
      ways.push({ format, secrets, undisturbedMs: await undisturbed(get) })
    }
    await spreadKills(
      { kills, ways, random },
      async (name, momentsMs, { format, secrets, undisturbedMs }) => {
        site.tap.reset()
        const when = `${name} (${format}), killed after ${momentsMs.join(', ')} of ${Math.round(undisturbedMs)} ms`
        const directory = site.workspace.path(name)
        mkdirSync(directory)
        return new KilledDownload({ site, source, format, secrets, directory, findings, when }).run(momentsMs)
      },
    )
  } finally {
    await site.close()
  }
  return findings.outcome('kill-downloads')
}

/** One download, killed some times before it may finish. */
class KilledDownload {
  #site
  #source
  #format
  #secrets
  #directory
  #path
  #findings
  #when

  constructor({ site, source, format, secrets, directory, findings, when }) {
    this.#site = site
    this.#source = source
    this.#format = format
    this.#secrets = secrets
    this.#directory = directory
    this.#path = join(directory, 'file')
    this.#findings = findings
    this.#when = when
  }

  /** @returns {Promise<number>} how often it was killed */
  async run(momentsMs) {
    let before = this.#look()
    for (const [index, moment] of momentsMs.entries()) {
      const first = this.#site.tap.exchanges.length
      const { code, killed, stderr } = await this.#get().killAfter(moment)
      await this.#site.tap.idle()
      this.#expect(killed || code === 0, `a run ended with ${code}: ${stderr}`)
      this.#checkRun(before, this.#site.tap.exchanges.slice(first), !killed)
      before = this.#look()
      this.#countKill(before, killed)
      this.#checkDisk()
      if (killed) continue
      this.#checkEnd()
      return index + 1
    }
    const first = this.#site.tap.exchanges.length
    const { code, stderr } = await this.#get().ended
    this.#expect(code === 0, `the run after the kill ended with ${code}: ${stderr}`)
    this.#checkRun(before, this.#site.tap.exchanges.slice(first), true)
    this.#checkEnd()
    return momentsMs.length
  }

  #get() {
    return this.#site.get(this.#format, this.#path, { format: this.#format })
  }

  /** What there is before a run: a record, and perhaps the file. */
  #look() {
    let record
    try {
      record = onlyRecord(this.#site.checkpoints)
    } catch (error) {
      this.#expect(false, error.message)
    }
    return { record, complete: existsSync(this.#path) }
  }

  /** Whether a run did what the state before it asks for. */
  #checkRun({ record, complete }, exchanges, finished) {
    const ranges = exchanges.filter(({ kind }) => kind === 'get').map(({ headers }) => rangeOf(headers))
    // After the file got its name, a record that was not removed any more means nothing.
    if (record === undefined || complete) return
    const parts = cut(record, this.#format)
    const spared = parts.filter(({ partNumber }) => record.parts[partNumber] !== undefined)
    const missing = parts.filter(({ partNumber }) => record.parts[partNumber] === undefined)
    for (const { partNumber, start, end } of spared) {
      const again = ranges.some((range) => range.start <= end && range.end >= start)
      this.#expect(!again, `bytes of part ${partNumber} were fetched again`)
    }
    const wanted = missing.map(({ start, end }) => `${start}-${end}`)
    const asked = ranges.map(({ start, end }) => `${start}-${end}`)
    this.#expect(new Set(asked).size === asked.length, 'a run fetched a part twice')
    const others = asked.filter((range) => !wanted.includes(range))
    this.#expect(others.length === 0, `a run fetched ${others}, which is no missing part`)
    if (!finished) return
    this.#expect(asked.length === wanted.length, 'a run that ended well did not fetch what was missing')
    this.#findings.count('runs that went on')
    this.#findings.count('parts spared', spared.length)
    this.#findings.count('parts fetched by them', asked.length)
  }

  #countKill({ complete }, killed) {
    const begun = this.#site.tap.exchanges.length > 0
    const phase = !killed || complete ? 'after' : begun ? 'during' : 'before'
    this.#findings.count('kills')
    this.#findings.count(`kills ${phase} the transfer`)
    this.#findings.count(`kills during a transfer, ${this.#format}`, phase === 'during' ? 1 : 0)
  }

  #checkDisk() {
    for (const directory of [this.#site.checkpoints, this.#directory]) {
      for (const found of findSecrets(directory, this.#secrets)) this.#expect(false, found)
    }
    this.#findings.count('secrets looked for', this.#secrets.length)
    if (existsSync(this.#path)) this.#checkFile()
  }

  #checkEnd() {
    this.#findings.count('transfers')
    this.#findings.count(`transfers, ${this.#format}`)
    this.#checkFile()
    const records = checkpointFiles(this.#site.checkpoints)
    this.#expect(records.length === 0, `the checkpoint directory still has ${records}`)
    const files = readdirSync(this.#directory).filter((name) => name !== 'file')
    const probes = files.filter(
      (name) => PROBE.test(name) && statSync(join(this.#directory, name)).size === 0,
    )
    this.#findings.count('empty files left behind by a kill before the first request', probes.length)
    const others = files.filter((name) => !probes.includes(name))
    this.#expect(others.length === 0, `beside the file there still are ${others}`)
  }

  /** Under its final name a file is never half-written. */
  #checkFile() {
    const right = existsSync(this.#path) && this.#source.bytes.equals(readFileSync(this.#path))
    this.#expect(right, 'the file is not the object')
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this.#when}: ${failure}`)
  }
}

/** How the record says that the object is cut: the stored bytes of each part. */
function cut({ sizeBytes, firstBytes, partSizeBytes }, format) {
  const parts = []
  for (let start = 0; start < sizeBytes; ) {
    const end = Math.min(start + (start === 0 ? firstBytes : partSizeBytes), sizeBytes)
    const partNumber = parts.length + 1
    if (format === 'sealed') {
      const first = segmentAt(start)
      const next = end === sizeBytes ? segmentAt(end - 1) + 1 : Math.max(segmentAt(end), first + 1)
      const storedEnd = Math.min(next * SEGMENT_BYTES, sealedLength(sizeBytes))
      parts.push({ partNumber, start: first * SEGMENT_BYTES, end: storedEnd - 1 })
      start = Math.min(plaintextOffset(next), sizeBytes)
    } else {
      parts.push({ partNumber, start, end: end - 1 })
      start = end
    }
  }
  return parts
}

function rangeOf({ range }) {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range)
  return { start: Number(start), end: Number(end) }
}
