import { createHash } from 'node:crypto'
import { decodeEnvelope } from '@oss-cse/crypto-core'
import { PartDigester, partDigest, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { checkpointFiles, onlyRecord } from '../checkpoint-files.js'
import { Findings } from '../findings.js'
import { contentKeyOf, findSecrets, tagsIn } from '../key-material.js'
import { spreadKills } from '../kill-schedule.js'
import { openKillSite, undisturbed } from '../kill-site.js'
import { Random } from '../random.js'
import { plaintextOffset, SEGMENT_BYTES, sealedLength, sealedPartDigest } from '../sealed-object.js'

/** In which an upload is done, by turns. `whole`: in one request, which nothing can resume. */
const WAYS = [
  { format: 'aes-ctr', whole: false },
  { format: 'sealed', whole: false },
  { format: 'sealed', whole: true },
  { format: 'aes-ctr', whole: true },
]

/**
 * `kill -9` of uploads at random moments: the next run goes on with what the server has, and the object is right.
 *
 * @param {{ kills: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function killUploads({ kills, seed }) {
  const random = new Random(seed).fork('kill-uploads')
  const findings = new Findings()
  const { site, source } = await openKillSite(random)
  try {
    const ways = []
    for (const way of WAYS) {
      ways.push({ ...way, undisturbedMs: await undisturbed(site.put(source.path, 'undisturbed', way)) })
    }
    await site.checkSent(findings, 'uploads that nobody killed')
    await spreadKills({ kills, ways, random }, async (name, momentsMs, { undisturbedMs, ...way }) => {
      site.tap.reset()
      const how = `${way.format}, ${way.whole ? 'in one request' : 'in parts'}`
      const when = `${name} (${how}), killed after ${momentsMs.join(', ')} of ${Math.round(undisturbedMs)} ms`
      return new KilledUpload({ site, source, key: name, way, how, findings, when }).run(momentsMs)
    })
  } finally {
    await site.close()
  }
  return findings.outcome('kill-uploads')
}

/** One upload, killed some times before it may finish. */
class KilledUpload {
  #site
  #source
  #key
  #way
  #how
  #findings
  #when
  /** The ids that were ever in a checkpoint. */
  #recorded = new Set()

  constructor({ site, source, key, way, how, findings, when }) {
    this.#site = site
    this.#source = source
    this.#key = key
    this.#way = way
    this.#how = how
    this.#findings = findings
    this.#when = when
  }

  /** @returns {Promise<number>} how often it was killed */
  async run(momentsMs) {
    let before = await this.#look()
    for (const [index, moment] of momentsMs.entries()) {
      const first = this.#site.tap.exchanges.length
      const { code, killed, stderr } = await this.#put().killAfter(moment)
      await this.#site.tap.idle()
      this.#expect(killed || code === 0, `a run ended with ${code}: ${stderr}`)
      this.#checkRun(before, this.#site.tap.exchanges.slice(first), !killed)
      before = await this.#look()
      this.#countKill(before, killed)
      await this.#checkDisk(before)
      if (this.#way.whole) await this.#checkWhole(before)
      if (killed) continue
      await this.#checkEnd()
      return index + 1
    }
    const first = this.#site.tap.exchanges.length
    const { code, stderr } = await this.#put().ended
    await this.#site.tap.idle()
    this.#expect(code === 0, `the run after the kill ended with ${code}: ${stderr}`)
    this.#checkRun(before, this.#site.tap.exchanges.slice(first), true)
    await this.#checkEnd()
    return momentsMs.length
  }

  /** A put that was killed stored nothing, or all of it. */
  async #checkWhole({ complete }) {
    if (!complete) return
    const stored = await this.#site.content(this.#key, this.#way.format)
    this.#expect(this.#source.bytes.equals(stored), 'a killed put stored another object')
  }

  #put() {
    return this.#site.put(this.#source.path, this.#key, this.#way)
  }

  /** What there is before a run: a record, and what the server holds. */
  async #look() {
    const { transport, checkpoints } = this.#site
    let record
    try {
      record = onlyRecord(checkpoints)
    } catch (error) {
      this.#expect(false, error.message)
    }
    const upload = record?.upload
    this.#expect(upload === undefined || !this.#way.whole, 'a put in one request left a record')
    if (upload !== undefined) this.#recorded.add(upload.uploadId)
    const stored = await this.#site.stored(this.#key)
    const { wrappedCek } = V2_HEADERS
    // A run that ended just before its kill left the object of an earlier upload.
    const complete =
      stored !== undefined &&
      (upload === undefined || stored.headers[wrappedCek] === upload.envelope[wrappedCek])
    const held = new Set()
    if (upload !== undefined && !complete) {
      const { parts } = await transport.listParts({ key: this.#key, uploadId: upload.uploadId })
      for (const { partNumber } of parts) held.add(partNumber)
      const acknowledged = this.#parts(this.#site.tap.exchanges, upload.uploadId).filter(answered)
      for (const { partNumber } of acknowledged) {
        this.#expect(held.has(partNumber), `part ${partNumber} was acknowledged and is not held`)
      }
    }
    return { upload, complete, held }
  }

  /** Whether a run did what the state before it asks for. */
  #checkRun({ upload, complete, held }, exchanges, finished) {
    const parts = exchanges.filter(({ kind }) => kind === 'part')
    const numbers = parts.map(({ partNumber }) => partNumber)
    if (this.#way.whole) {
      const puts = exchanges.filter(({ kind }) => kind === 'put').length
      this.#expect(
        parts.length === 0 && (puts === 1 || !finished),
        `a run sent ${puts} puts, ${parts.length} parts`,
      )
    }
    this.#expect(new Set(numbers).size === numbers.length, 'a run sent a part twice')
    if (upload === undefined) return
    const initiated = exchanges.some(({ kind }) => kind === 'initiate')
    this.#expect(!initiated, 'a run started again although there was a checkpoint')
    if (complete) {
      this.#expect(parts.length === 0, 'a run sent parts of an object that was complete')
      return
    }
    const others = parts.filter(({ uploadId }) => uploadId !== upload.uploadId)
    this.#expect(others.length === 0, 'a run went on with another upload than that of its checkpoint')
    const again = numbers.filter((partNumber) => held.has(partNumber))
    this.#expect(again.length === 0, `parts were sent again that the server held: ${again}`)
    if (!finished) return
    const { sizeBytes, partSizeBytes } = upload
    const storedBytes = this.#way.format === 'sealed' ? sealedLength(sizeBytes) : sizeBytes
    const partCount = Math.ceil(storedBytes / partSizeBytes)
    this.#expect(
      held.size + numbers.length === partCount,
      'a run that ended well did not send what was missing',
    )
    this.#findings.count('runs that went on')
    this.#findings.count('parts spared', held.size)
    this.#findings.count('parts sent by them', numbers.length)
  }

  #countKill({ upload, complete }, killed) {
    const kind = this.#way.whole ? 'put' : 'initiate'
    const begun = this.#site.tap.exchanges.some((exchange) => exchange.kind === kind)
    const phase = !killed || complete ? 'after' : begun ? 'during' : 'before'
    this.#findings.count('kills')
    this.#findings.count(`kills ${phase} the transfer`)
    this.#findings.count(`kills during a transfer, ${this.#how}`, phase === 'during' ? 1 : 0)
    if (!this.#way.whole && phase === 'during' && upload === undefined)
      this.#findings.count('kills before the first checkpoint')
  }

  /** No key on the disk, and every part that may have left is written down. */
  async #checkDisk({ upload }) {
    const { tap, sent, keyring, checkpoints } = this.#site
    const beginnings = tap.exchanges.filter(({ kind }) => kind === 'initiate' || kind === 'put')
    const keys = await Promise.all(beginnings.map(({ headers }) => contentKeyOf(headers, keyring)))
    const tags = sent.sealedBodies().flatMap(tagsIn)
    const secrets = [...keys.flat(), ...tags, ...this.#plaintextDigests()]
    for (const found of findSecrets(checkpoints, secrets)) this.#expect(false, found)
    this.#findings.count('secrets looked for', secrets.length)
    if (upload === undefined) return
    const contentKey = await keyring.unwrap(decodeEnvelope(upload.envelope))
    for (const { partNumber } of this.#parts(tap.exchanges, upload.uploadId)) {
      const digest = upload.partDigests[partNumber]
      if (!this.#expect(digest !== undefined, `part ${partNumber} left before its digest was on disk`))
        continue
      const body = sent.partBody(upload.uploadId, partNumber)
      if (body?.length !== upload.partSizeBytes) continue
      const computed = await this.#digestOf(body, contentKey, (partNumber - 1) * upload.partSizeBytes)
      this.#expect(computed === digest, `part ${partNumber} is not what its digest says`)
      this.#findings.count('parts compared with their digests')
    }
  }

  /** What the record must say of a part that left. */
  async #digestOf(body, contentKey, offset) {
    if (this.#way.format === 'sealed') return sealedPartDigest(body)
    const digester = new PartDigester(contentKey, offset)
    await digester.update(body)
    return Buffer.from(partDigest(await digester.digests())).toString('base64')
  }

  /** Digests of plaintext would tell what is in it. */
  #plaintextDigests() {
    const { bytes } = this.#source
    const { partBytes } = this.#site
    const offsetOf = (index) =>
      this.#way.format === 'sealed' ? plaintextOffset((index * partBytes) / SEGMENT_BYTES) : index * partBytes
    return Array.from({ length: Math.ceil(bytes.length / partBytes) }, (_, index) => ({
      name: `the SHA-256 of the plaintext of part ${index + 1}`,
      bytes: createHash('sha256')
        .update(bytes.subarray(offsetOf(index), offsetOf(index + 1)))
        .digest(),
    }))
  }

  async #checkEnd() {
    const { checkpoints } = this.#site
    this.#findings.count('transfers')
    this.#findings.count(`transfers, ${this.#how}`)
    const stored = await this.#site.content(this.#key, this.#way.format).catch(({ message }) => {
      this.#expect(false, message)
    })
    this.#expect(stored && this.#source.bytes.equals(stored), 'the object is not the file')
    await this.#site.checkSent(this.#findings, this.#when)
    const left = checkpointFiles(checkpoints)
    this.#expect(left.length === 0, `the checkpoint directory still has ${left}`)
    const pending = await this.#site.pendingUploads(this.#key)
    const known = pending.filter((uploadId) => this.#recorded.has(uploadId))
    this.#expect(known.length === 0, `uploads of a checkpoint were left on the server: ${known}`)
    this.#findings.count('uploads left behind by a kill before the first checkpoint', pending.length)
  }

  #parts(exchanges, id) {
    return exchanges.filter(({ kind, uploadId }) => kind === 'part' && uploadId === id)
  }

  #expect(holds, failure) {
    return this.#findings.expect(holds, `${this.#when}: ${failure}`)
  }
}

function answered({ status }) {
  return status === 200
}
