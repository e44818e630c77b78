// Runs where it may mount file systems that nobody else sees: see mounts.js.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { checkpointFiles, onlyRecord } from './checkpoint-files.js'
import { Findings } from './findings.js'
import { FORMATS } from './formats.js'
import { SmallDisk } from './mounts.js'
import { Site } from './site.js'

/** Long enough altogether for the thread that decrypts large files. */
const PART_KIB = 192
const PARTS = 24
const FILE_KIB = PART_KIB * PARTS
/** How many parts are through before the disk becomes full. */
const DONE = 6
const PARALLEL = 3

const findings = new Findings()
const site = await Site.open({ partKiB: PART_KIB, parallel: PARALLEL })
// Of the same number of parts when it is sealed.
const source = site.randomFile('source', FILE_KIB * 1024 - 4096)
const key = 'object'
let format
try {
  for (format of FORMATS) {
    await put(key).ended
    if (process.argv[2] === 'with-mounts') {
      await withDisk(FILE_KIB / 2, tooSmallForTheFile)
      await withDisk(FILE_KIB * 2, fullDuringDownload)
      await withDisk(256, fullFromTheStart)
      await withDisk(256, fullDuringUpload)
      await withDisk(256, checkpointsOfDownloadFull)
      await withDisk(256, readOnly)
    }
    await belowAFile()
    await site.checkSent(findings, format)
  }
} finally {
  await site.close()
}
process.send(findings.outcome('full-disk'), () => process.disconnect())

function expect(holds, failure) {
  findings.expect(holds, `${format}: ${failure}`)
}

function put(name, options) {
  return site.put(source.path, name, { format, ...options })
}

function get(path, options) {
  return site.get(key, path, { format, ...options })
}

async function withDisk(sizeKiB, work) {
  const disk = new SmallDisk(site.workspace.path(`${work.name}-${format}`), sizeKiB)
  try {
    await work(disk)
  } finally {
    disk.unmount()
  }
}

async function tooSmallForTheFile(disk) {
  const when = 'a download of more than the disk has free'
  const path = disk.path('file')
  await fails(get(path), 'ERR_CSE_FILE', when)
  expect(count('get') <= 1, `${when}: went on fetching`)
  const left = readdirSync(disk.directory)
  expect(left.length === 0, `${when}: left ${left}`)
  disk.resize(FILE_KIB * 2)
  await succeeds(get(path), `${when}, tried again with space`)
  isRight(path, when)
}

async function fullDuringDownload(disk) {
  const when = 'a download during which the disk becomes full'
  const path = disk.path('file')
  // All of them: one that is not held may still be writing its part.
  await interrupted('get', PARALLEL, () => get(path), disk, 'ERR_CSE_FILE', when)
  expect(!existsSync(path), `${when}: left a file under its final name`)
  const record = onlyRecord(site.checkpoints)
  const spared = Object.keys(record?.parts ?? {}).length
  expect(spared >= DONE, `${when}: kept ${spared} parts`)
  findings.count('parts spared after space was there again', spared)
  disk.free()
  await succeeds(get(path), `${when}, tried again with space`)
  expect(count('get') === PARTS - spared, `${when}: fetched ${count('get')} parts afterwards`)
  isRight(path, when)
  expect(readdirSync(disk.directory).length === 1, `${when}: left more than the file`)
}

async function fullFromTheStart(disk) {
  const when = 'an upload whose checkpoints have no space'
  disk.fill()
  const start = () => put('full', { checkpoints: disk.directory })
  await fails(start(), 'ERR_CSE_CHECKPOINT', when)
  expect(count('part') === 0, `${when}: sent ${count('part')} parts`)
  const pending = await site.pendingUploads('full')
  expect(pending.length === 0, `${when}: left an upload on the server`)
  disk.free()
  await succeeds(start(), `${when}, tried again with space`)
}

async function fullDuringUpload(disk) {
  const when = 'an upload during which its checkpoints have no space any more'
  const start = () => put('filling', { checkpoints: disk.directory })
  // All of them: one that is not held may be saving its record, and frees the space of the old one.
  await interrupted('part', PARALLEL, start, disk, 'ERR_CSE_CHECKPOINT', when)
  const record = onlyRecord(disk.directory)
  expect(record !== undefined, `${when}: left no checkpoint`)
  const { upload } = record ?? { upload: { partDigests: {} } }
  const sent = site.tap.exchanges.filter(({ kind }) => kind === 'part').map(({ partNumber }) => partNumber)
  const unrecorded = sent.filter((partNumber) => upload.partDigests[partNumber] === undefined)
  expect(unrecorded.length === 0, `${when}: sent parts ${unrecorded}, which no checkpoint knew`)
  disk.free()
  const again = start()
  await succeeds(again, `${when}, tried again with space`)
  expect(count('initiate') === 0, `${when}: started again with space`)
  const missing = PARTS - new Set(sent).size
  expect(count('part') === missing, `${when}: sent ${count('part')} parts afterwards, not ${missing}`)
  findings.count('parts spared after space was there again', PARTS - count('part'))
  expect(source.bytes.equals(await site.content('filling', format)), `${when}: stored another object`)
  const left = checkpointFiles(disk.directory)
  expect(left.length === 0, `${when}: left ${left}`)
}

async function checkpointsOfDownloadFull(disk) {
  const when = 'a download whose checkpoints have no space'
  disk.fill()
  const directory = site.workspace.path(`downloaded-${format}`)
  mkdirSync(directory)
  const path = `${directory}/file`
  const start = () => get(path, { checkpoints: disk.directory })
  await fails(start(), 'ERR_CSE_CHECKPOINT', when)
  expect(!existsSync(path), `${when}: left a file under its final name`)
  disk.free()
  await succeeds(start(), `${when}, tried again with space`)
  isRight(path, when)
  expect(readdirSync(directory).length === 1, `${when}: left more than the file`)
}

async function readOnly(disk) {
  disk.makeReadOnly()
  const download = 'a download into a read-only directory'
  await fails(get(disk.path('file')), 'ERR_CSE_INVALID_ARGUMENT', download)
  expect(site.tap.exchanges.length === 0, `${download}: sent a request`)
  const upload = 'an upload with its checkpoints in a read-only directory'
  await fails(put('x', { checkpoints: disk.directory }), 'ERR_CSE_CHECKPOINT', upload)
  expect(site.tap.exchanges.length === 0, `${upload}: sent a request`)
}

async function belowAFile() {
  const download = 'a download to a path below a file'
  await fails(get(`${source.path}/file`), 'ERR_CSE_INVALID_ARGUMENT', download)
  expect(site.tap.exchanges.length === 0, `${download}: sent a request`)
}

/** Lets a transfer begin, fills the disk, and lets it go on. */
async function interrupted(kind, hold, start, disk, errorCode, when) {
  site.tap.reset()
  const gate = site.tap.gate(kind, DONE, hold)
  const command = start()
  await Promise.race([gate.reached, command.ended])
  disk.fill()
  gate.open()
  await ends(command, errorCode, when)
}

async function fails(command, errorCode, when) {
  site.tap.reset()
  await ends(command, errorCode, when)
}

async function ends(command, errorCode, when) {
  const { code, stderr } = await command.ended
  findings.count(`failures provoked, ${format}`)
  expect(code !== 0, `${when}: succeeded`)
  expect(stderr.includes(`[${errorCode}]`), `${when}: said ${stderr}`)
}

async function succeeds(command, when) {
  site.tap.reset()
  const { code, stderr } = await command.ended
  expect(code === 0, `${when}: ended with ${code}: ${stderr}`)
}

function count(wanted) {
  return site.tap.exchanges.filter(({ kind }) => kind === wanted).length
}

function isRight(path, when) {
  const right = existsSync(path) && source.bytes.equals(readFileSync(path))
  expect(right, `${when}: the file is not the object`)
}
