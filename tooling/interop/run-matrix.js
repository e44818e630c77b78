import { existsSync, readFileSync, rmSync } from 'node:fs'
import { DOWNLOAD_PART_BYTES, isReaderOf, KEYS, METADATA, objectsOf, READINGS } from './matrix.js'

const PARALLEL = 3
/** How many requests of an interrupted transfer are answered before the server fails. */
const ANSWERED = 5

/**
 * @typedef {'reads' | 'refuses' | 'wrong' | 'absent'} Verdict
 *
 * @typedef {object} Cell
 * @property {string} writer
 * @property {import('./matrix.js').ObjectKind} object
 * @property {string} reader - the writer itself where it was asked to write and did not
 * @property {string} reading - `write` there
 * @property {boolean} right - the verdict is the one that is right by the format
 * @property {Verdict} verdict
 * @property {string} detail - what the SDK said, or what came instead of the plaintext
 * @property {boolean} [resumed] - an interrupted transfer went on, and did not begin again
 */

/**
 * Lets every writer write, and every reader read it.
 *
 * @param {import('./lab.js').Lab} lab
 * @param {readonly import('./participants.js').Participant[]} participants
 * @param {(writer: string, cells: readonly Cell[]) => void} report - called with all cells of each writer
 * @returns {Promise<{ cells: Cell[], written: Written[] }>}
 *
 * @typedef {{ writer: string, object: import('./matrix.js').ObjectKind, key: string }} Written
 */
export async function runMatrix(lab, participants, report = () => {}) {
  const readers = participants.filter(({ handMade }) => !handMade)
  const cells = []
  const written = []
  for (const writer of participants) {
    const before = cells.length
    for (const object of objectsOf(writer)) {
      const key = `${writer.name}/${object.id.replaceAll(/[^a-z0-9]+/gi, '-')}`
      const writing = await write(lab, writer, object, key)
      const found = [writing]
      if (writing.verdict === 'reads') {
        written.push({ writer: writer.name, object, key })
        const columns = readers.filter((reader) => isReaderOf(reader, object))
        found.push(...(await readByAll(lab, writer, object, key, columns)))
      }
      cells.push(...found)
    }
    report(writer.title, cells.slice(before))
  }
  return { cells, written }
}

async function write(lab, { name: writer, driver }, object, key) {
  const { op, keys, size, partSize, iv, interrupted } = object
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
  }
  const { answer, resumed } = interrupted
    ? await interruptedTransfer(lab, driver, request, 'PUT', Math.ceil(size / partSize))
    : { answer: await driver.ask(request) }
  const verdict = answer.ok ? 'reads' : answer.absent ? 'absent' : 'refuses'
  const cell = { writer, object, reader: writer, reading: 'write', right: verdict === 'reads', verdict }
  return { ...cell, detail: said(answer), ...(answer.ok && resumed !== undefined && { resumed }) }
}

async function readByAll(lab, writer, object, key, readers) {
  const cell = (reader, reading) => readCell(lab, writer, object, key, reader, reading)
  const broken = object.readings.filter((reading) => READINGS[reading].interrupted)
  const whole = object.readings.filter((reading) => !READINGS[reading].interrupted)
  const rows = readers.map((reader) => inTurn(whole, (reading) => cell(reader, reading)))
  const cells = (await Promise.all(rows)).flat()
  // One at a time: the faults are the server's, not a client's.
  for (const reader of readers) cells.push(...(await inTurn(broken, (reading) => cell(reader, reading))))
  return cells
}

async function inTurn(values, task) {
  const results = []
  for (const value of values) results.push(await task(value))
  return results
}

async function readCell(lab, writer, object, key, reader, reading) {
  const { verdict, detail, resumed } = await read(lab, object, key, reader, reading)
  const asItShould = verdict === (READINGS[reading].refuse ? 'refuses' : 'reads')
  const right = asItShould || (writer.name === 'plain' && verdict === 'refuses')
  const cell = { writer: writer.name, object, reader: reader.name, reading, right, verdict, detail }
  return { ...cell, ...(resumed !== undefined && { resumed }) }
}

async function read(lab, object, key, { name, driver }, reading) {
  const { op, range, keys, interrupted } = READINGS[reading]
  const masterKeys = keys?.(lab) ?? KEYS[object.keys].read(lab, name)
  const { bytes } = lab.source(object.size)
  const [rangeText, start, end] = range?.(object.size) ?? [undefined, 0, object.size]
  const expected = bytes.subarray(start, end)
  const file = lab.path(`read-by-${name}`)
  rmSync(file, { force: true })
  const partSize = DOWNLOAD_PART_BYTES
  const checkpoints = lab.emptyDirectory('checkpoints', name)
  const common = { op, masterKeys, object: key, file }

  if (op === 'copy') {
    const to = `${key}-copied-by-${name}`
    const copied = await driver.ask({ ...common, to })
    if (!copied.ok) return { verdict: copied.absent ? 'absent' : 'refuses', detail: said(copied) }
    return judged(await driver.ask({ ...common, op: 'get', object: to }), file, expected)
  }
  if (op === 'head') return judgedMetadata(await driver.ask(common))
  const request = { ...common, range: rangeText, partSize, parallel: PARALLEL, checkpoints }
  if (!interrupted) return judged(await driver.ask(request), file, expected)
  const { answer, resumed } = await interruptedTransfer(
    lab,
    driver,
    request,
    'GET',
    Math.ceil(object.size / partSize),
  )
  return { ...judged(answer, file, expected), resumed }
}

/** A transfer whose server fails half-way, and comes back for the second call. */
async function interruptedTransfer(lab, driver, request, method, parts) {
  const { oss } = lab
  oss.injectFault({ kind: 'slow', delayMs: 1, method, key: request.object, count: ANSWERED })
  oss.injectFault({ kind: 'status-500', method, key: request.object, count: 10_000 })
  const first = await driver.ask(request)
  oss.clearFaults()
  if (first.absent) return { answer: first }
  if (first.ok) return { answer: { error: { type: 'NotInterrupted', message: 'The first call succeeded.' } } }
  oss.resetRequests()
  const answer = await driver.ask(request)
  const path = `/${request.object}`
  const sent = oss.requests.filter((seen) => seen.method === method && seen.path.endsWith(path)).length
  return { answer, resumed: sent < parts }
}

function judged(answer, file, expected) {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  if (answer.ok) {
    if (bytes.equals(expected)) return { verdict: 'reads', detail: '' }
    return { verdict: 'wrong', detail: wrongBytes(bytes, expected) }
  }
  if (answer.absent) return { verdict: 'absent', detail: said(answer) }
  const prefix = bytes.equals(expected.subarray(0, bytes.length))
  if (!prefix) return { verdict: 'wrong', detail: `${wrongBytes(bytes, expected)} Then: ${said(answer)}` }
  return { verdict: 'refuses', detail: said(answer) }
}

function judgedMetadata(answer) {
  if (!answer.ok) return { verdict: answer.absent ? 'absent' : 'refuses', detail: said(answer) }
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
  if (answer.absent) return answer.absent
  if (answer.error) return `${answer.error.type}: ${answer.error.message}`
  return ''
}
