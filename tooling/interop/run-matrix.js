import { existsSync, readFileSync, rmSync } from 'node:fs'
import { DOWNLOAD_PART_BYTES, isReaderOf, KEYS, METADATA, objectsOf, READINGS, readingsBy } from './matrix.js'
import { reasonOf } from './refusals.js'
import { storedLength } from './sealed-objects.js'

const PARALLEL = 3
/** How many requests of an interrupted transfer are answered before the server fails. */
const ANSWERED = 5
const ENVELOPE_KEY = /^x-oss-meta-(client-side-encryption-key|oss-crypto-key)$/

/**
 * What came of a cell. `again`: an interrupted transfer was done, but from its beginning. `broken`: neither the
 * SDK's success nor a refusal of its; always a failure.
 *
 * @typedef {'reads' | 'refuses' | 'wrong' | 'again' | 'absent' | 'broken'} Verdict
 *
 * @typedef {object} Cell
 * @property {string} writer
 * @property {import('./matrix.js').ObjectKind} object
 * @property {string} reader - the writer itself where it was asked to write
 * @property {string} reading - `write` there
 * @property {boolean} right - it is as the format makes it
 * @property {Verdict} verdict
 * @property {import('./refusals.js').Reason} [reason] - of a refusal
 * @property {string} detail - what the SDK said, or what came instead of the plaintext
 *
 * @typedef {{ writer: string, object: import('./matrix.js').ObjectKind, key: string }} Written
 */

/**
 * Lets every writer write, and every reader read it.
 *
 * @param {import('./lab.js').Lab} lab
 * @param {readonly import('./participants.js').Participant[]} participants
 * @param {(writer: string, cells: readonly Cell[]) => void} report - called with all cells of each writer
 * @returns {Promise<{ cells: Cell[], written: Written[] }>}
 */
export async function runMatrix(lab, participants, report = () => {}) {
  const readers = participants.filter(({ handMade }) => !handMade)
  const cells = []
  const written = []
  for (const writer of participants) {
    const before = cells.length
    for (const object of objectsOf(writer)) {
      const key = `${writer.name}/${object.id.replaceAll(/[^a-z0-9]+/gi, '-')}`
      const found = await write(lab, writer, object, key)
      const cell = { writer: writer.name, object, reader: writer.name, reading: 'write' }
      cells.push({ ...cell, right: found.verdict === 'reads', ...found })
      if (!['reads', 'again'].includes(found.verdict)) continue
      written.push({ writer: writer.name, object, key })
      const columns = readers.filter((reader) => isReaderOf(reader, object))
      cells.push(...(await readByAll(lab, writer, object, key, columns)))
    }
    report(writer.title, cells.slice(before))
  }
  return { cells, written }
}

async function write(lab, { name: writer, driver, handMade }, object, key) {
  const { op, keys, size, partSize, iv, interrupted, sealed, context } = object
  const request = {
    op,
    masterKeys: KEYS[keys].write(lab),
    object: key,
    file: lab.source(size).path,
    metadata: METADATA,
    partSize,
    parallel: PARALLEL,
    checkpoints: lab.emptyDirectory('checkpoints', writer),
    iv,
    ...(sealed && { format: 'sealed', context }),
  }
  if (interrupted) {
    const { answer, ...outcome } = await interruptedTransfer(lab, driver, request, 'PUT', size / partSize)
    return answer.ok ? { ...outcome, ...(await damage(lab, writer, object, key)) } : notDone(answer)
  }
  lab.oss.resetRequests()
  const answer = await driver.ask(request)
  if (!answer.ok) return notDone(answer)
  const sentBytes = sealed ? storedLength(size) : size
  const parts = lab.oss.requests.filter(({ query, status }) => /partNumber=/.test(query) && status === 200)
  if (partSize !== undefined && !handMade && parts.length !== Math.ceil(sentBytes / partSize)) {
    return { verdict: 'broken', detail: `It was sent in ${parts.length} parts.` }
  }
  return { verdict: 'reads', detail: '', ...(await damage(lab, writer, object, key)) }
}

/** Of this many bytes on, ciphertext is not equal to its plaintext by chance. Of one byte it is, once in 256 times. */
const TELLING_BYTES = 16

/** What is stored must be encrypted; what the readers make of it says the rest. */
async function damage(lab, writer, { size }, key) {
  const { headers, bytes } = await lab.stored(key)
  const encrypted = Object.keys(headers).some((name) => ENVELOPE_KEY.test(name))
  const asItWas = size >= TELLING_BYTES && lab.source(size).bytes.equals(bytes)
  if (writer === 'plain' ? encrypted : !encrypted || asItWas) {
    return { verdict: 'broken', detail: 'What was stored is not what was to be written.' }
  }
  return {}
}

async function readByAll(lab, writer, object, key, readers) {
  const cell = (reader, reading) => readCell(lab, writer, object, key, reader, reading)
  const ofKind = (reader, interrupted) =>
    readingsBy(reader, object).filter((reading) => (READINGS[reading].interrupted ?? false) === interrupted)
  const rows = readers.map((reader) => inTurn(ofKind(reader, false), (reading) => cell(reader, reading)))
  const cells = (await Promise.all(rows)).flat()
  // One at a time: the faults are the server's, not a client's.
  for (const reader of readers)
    cells.push(...(await inTurn(ofKind(reader, true), (reading) => cell(reader, reading))))
  return cells
}

async function inTurn(values, task) {
  const results = []
  for (const value of values) results.push(await task(value))
  return results
}

async function readCell(lab, writer, object, key, reader, reading) {
  const { refuse } = READINGS[reading]
  const found = await read(lab, object, key, reader, reading)
  const right = refuse === undefined ? found.verdict === 'reads' : refuse.includes(found.reason)
  return { writer: writer.name, object, reader: reader.name, reading, right, ...found }
}

async function read(lab, object, key, { name, driver }, reading) {
  const { op, range, keys, interrupted, onPlainObject, alter } = READINGS[reading]
  const masterKeys = keys?.(lab) ?? KEYS[object.keys].read(lab, name)
  const { bytes } = lab.source(object.size)
  const [rangeText, start, end] = range?.(object.size) ?? [undefined, 0, object.size]
  const expected = bytes.subarray(start, end)
  const file = lab.path(`read-by-${name}`)
  rmSync(file, { force: true })
  const partSize = DOWNLOAD_PART_BYTES
  const checkpoints = lab.emptyDirectory('checkpoints', name)
  const common = { op, masterKeys, object: key, file, onPlainObject }

  if (object.sealed) {
    const { context = object.context } = READINGS[reading]
    Object.assign(common, { accept: 'sealed', context, url: await lab.signedUrl(key) })
  }
  if (op === 'copy') {
    const to = `${key}-copied-by-${name}`
    const copied = await driver.ask({ ...common, to })
    if (!copied.ok) return notDone(copied)
    const metadata = judgedMetadata(await driver.ask({ ...common, op: 'head', object: to }))
    if (metadata.verdict !== 'reads') return metadata
    return judged(await driver.ask({ ...common, op: 'get', object: to }), file, expected)
  }
  if (op === 'head') return judgedMetadata(await driver.ask(common))
  const request = { ...common, range: rangeText, partSize, parallel: PARALLEL, checkpoints }
  if (alter !== undefined) {
    const forgeries = alter(await lab.stored(key), lab)
    return readForgeries(lab, driver, request, forgeries, expected)
  }
  if (!interrupted) return judged(await driver.ask(request), file, expected)
  const { answer, ...outcome } = await interruptedTransfer(
    lab,
    driver,
    request,
    'GET',
    object.size / partSize,
  )
  const found = judged(answer, file, expected)
  return found.verdict === 'reads' ? { ...found, ...outcome } : found
}

/** What came of reading each of them: a refusal, or else the first that is none. */
async function readForgeries(lab, driver, request, forgeries, expected) {
  const object = `${request.object}-forged-for-${driver.name}`
  let found
  for (const [index, forgery] of forgeries.entries()) {
    await lab.store(object, forgery)
    rmSync(request.file, { force: true })
    const answer = await driver.ask({ ...request, object, url: await lab.signedUrl(object) })
    found = judged(answer, request.file, expected)
    found.detail = `Forgery ${index + 1} of ${forgeries.length}: ${found.detail}`
    if (found.verdict !== 'refuses') break
  }
  return found
}

/**
 * A transfer whose server fails half-way, and which is begun again by another process when the server is back.
 *
 * @returns {Promise<{ answer: import('./driver.js').Answer, verdict?: Verdict, detail?: string }>} the second answer,
 * and what came of it where it was a success
 */
async function interruptedTransfer(lab, driver, request, method, parts) {
  const { oss } = lab
  const seen = () =>
    oss.requests.filter(
      (entry) => entry.method === method && decodeURIComponent(entry.path).endsWith(`/${request.object}`),
    )
  oss.resetRequests()
  oss.injectFault({ kind: 'slow', delayMs: 1, method, key: request.object, count: ANSWERED })
  oss.injectFault({ kind: 'status-500', method, key: request.object, count: 10_000 })
  const first = await driver.ask(request)
  const interrupted = seen()
  oss.clearFaults()
  if (first.absent) return { answer: first }
  if (!interrupted.some(({ status }) => status < 300) || !interrupted.some(({ status }) => status === 500)) {
    return { answer: first.ok ? brokenAnswer('The transfer was not interrupted.') : first }
  }
  if (first.ok) return { answer: brokenAnswer('The first call succeeded in spite of the failing server.') }
  await driver.close()
  oss.resetRequests()
  const answer = await driver.ask(request)
  const sent = seen().length
  if (sent > 0 && sent < Math.ceil(parts)) return { answer, verdict: 'reads', detail: '' }
  return { answer, verdict: 'again', detail: `${sent} requests in the second run.` }
}

const brokenAnswer = (message) => ({ error: { type: 'NotInterrupted', message } })

function judged(answer, file, expected) {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  if (answer.ok) {
    if (bytes.equals(expected)) return { verdict: 'reads', detail: '' }
    return { verdict: 'wrong', detail: wrongBytes(bytes, expected) }
  }
  const prefix = bytes.equals(expected.subarray(0, bytes.length))
  if (answer.error && !prefix)
    return { verdict: 'wrong', detail: `${wrongBytes(bytes, expected)} ${said(answer)}` }
  return notDone(answer)
}

function notDone(answer) {
  if (answer.absent) return { verdict: 'absent', detail: said(answer) }
  const reason = reasonOf(said(answer))
  return reason === undefined
    ? { verdict: 'broken', detail: said(answer) }
    : { verdict: 'refuses', reason, detail: said(answer) }
}

function judgedMetadata(answer) {
  if (!answer.ok) return notDone(answer)
  const { metadata } = answer.ok
  const kept = Object.entries(METADATA).every(([name, value]) => metadata[name] === value)
  return kept ? { verdict: 'reads', detail: '' } : { verdict: 'wrong', detail: JSON.stringify(metadata) }
}

function wrongBytes(bytes, expected) {
  if (bytes.length !== expected.length) return `${bytes.length} bytes came in place of ${expected.length}.`
  const at = bytes.findIndex((byte, index) => byte !== expected[index])
  return `As many bytes as expected, wrong from byte ${at} on.`
}

function said(answer) {
  return answer.absent ?? `${answer.error.type}: ${answer.error.message}`
}
