import { constants, publicEncrypt, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

const KIB = 2 ** 10
const MIB = 2 ** 20
/** A segment of the stored bytes. */
const Z = 64 * KIB
const HEADER = 40
const META = 'x-oss-meta-client-side-encryption-'
const SEALED_GROUP = 'Sealed objects'
const CONTEXT = 'reports/2026/ü.pdf'
const SEALED_PYTHON = 'sealed-python'

/** At each border of a segment, and off it. The first segment holds `Z - 56` bytes of plaintext, others `Z - 16`. */
export const SEALED_SIZES = [
  ...[0, 1, Z - 57, Z - 56, Z - 55, 2 * Z - 73, 2 * Z - 72, 2 * Z - 71, 3 * Z],
  20 * MIB + 3,
]
const ALTERED_BYTES = 3 * Z
const LARGE_BYTES = MIB
/** The official SDKs judge the headers: the length is nothing to them. */
const OFFICIALLY_READ = [0, 1, ALTERED_BYTES, 20 * MIB + 3]

/** Of so many bytes of plaintext. */
export function storedLength(size) {
  const segments = size <= Z - 56 ? 1 : 1 + Math.ceil((size - (Z - 56)) / (Z - 16))
  return HEADER + size + 16 * segments
}

const readsSealed = ({ name, onlySealed }) => name === 'oss-cse' || onlySealed
const isOfficial = (participant) => !readsSealed(participant)
/** Who checks more than what Tink checks of the content. */
const readsEnvelope = ({ name }) => name === 'oss-cse' || name === SEALED_PYTHON
const seeks = ({ name }) => name === 'oss-cse' || name === 'tink-java'
/** Java V2 and Go V1 have no encryption client for downloads in parts. */
const downloads = ({ name }) => ['python-v1', 'python-v2', 'go-v2', 'java-v1'].includes(name)

const FORGED = ['not authentic']

/** The plaintext's length, which an attacker can alter or remove. */
const withoutLengths = ({ headers, bytes }) => ({
  bytes,
  headers: Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/unencrypted-content-length|data-size/i.test(name)),
  ),
})

const withHeader = ({ headers, bytes }, name, value) => ({
  bytes,
  headers: {
    ...Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== META + name)),
    [META + name]: value,
  },
})

/** Cut at each border, the header's end included. The recorded lengths would betray it, so they are removed as well. */
function cut(stored) {
  const borders = [0, HEADER]
  for (let at = Z; at < stored.bytes.length; at += Z) borders.push(at)
  const pieces = borders.map((at) => ({ ...stored, bytes: stored.bytes.subarray(0, at) }))
  return [...pieces, ...pieces.map(withoutLengths)]
}

/** One bit: in each field of the header, and in the first byte, the last one and the tag of each segment. */
function flipped(stored) {
  const places = [0, 1, HEADER - 8, HEADER - 7, HEADER - 1, HEADER]
  for (let at = Z; at < stored.bytes.length; at += Z) places.push(at - 17, at - 16, at - 1, at)
  places.push(stored.bytes.length - 1)
  return places.map((at) => {
    const bytes = Buffer.from(stored.bytes)
    bytes[at] ^= 1 << (at % 8)
    return { ...stored, bytes }
  })
}

const swapped = ({ headers, bytes }) => [
  {
    headers,
    bytes: Buffer.concat([
      bytes.subarray(0, Z),
      bytes.subarray(2 * Z, 3 * Z),
      bytes.subarray(Z, 2 * Z),
      bytes.subarray(3 * Z),
    ]),
  },
]

const extended = (stored) => [
  withoutLengths({ ...stored, bytes: Buffer.concat([stored.bytes, Buffer.alloc(1)]) }),
]

const otherIv = (stored, lab) => {
  const key = { key: readFileSync(lab.rsa('a').publicKeyFile), padding: constants.RSA_PKCS1_PADDING }
  return [withHeader(stored, 'start', publicEncrypt(key, randomBytes(16)).toString('base64'))]
}

const toTheEnd = (size) => ['0-', 0, size]

/**
 * How sealed objects are read. `readers` says by whom; `alter` makes the forged objects, all of which must be refused.
 *
 * @type {Record<string, import('./matrix.js').Reading>}
 */
export const SEALED_READINGS = {
  'sealed: whole': { op: 'get', readers: readsSealed },
  'sealed: range to the end': { op: 'get', range: toTheEnd, readers: seeks },
  'sealed: range across segments': {
    op: 'get',
    range: () => ['65470-131010', 65_470, 131_011],
    readers: seeks,
  },
  'sealed: last 100,000 bytes': {
    op: 'get',
    range: (size) => ['-100000', size - 100_000, size],
    readers: seeks,
  },
  'sealed: another context': { op: 'get', context: 'another', readers: readsSealed, refuse: FORGED },
  'sealed: another RSA key': {
    op: 'get',
    keys: (lab) => [lab.rsa('b')],
    readers: readsSealed,
    refuse: [...FORGED, 'the key does not unwrap it'],
  },
  'sealed: cut at each segment border': { op: 'get', alter: cut, readers: readsSealed, refuse: FORGED },
  'sealed: cut at each segment border, range to the end': {
    op: 'get',
    range: toTheEnd,
    alter: cut,
    readers: seeks,
    refuse: FORGED,
  },
  'sealed: one bit flipped': { op: 'get', alter: flipped, readers: readsSealed, refuse: FORGED },
  'sealed: two segments swapped': { op: 'get', alter: swapped, readers: readsSealed, refuse: FORGED },
  'sealed: one byte appended': { op: 'get', alter: extended, readers: readsSealed, refuse: FORGED },
  'sealed: declared to be AES-CTR': {
    op: 'get',
    alter: (stored) => [withHeader(stored, 'cek-alg', 'AES/CTR/NoPadding')],
    readers: readsSealed,
    refuse: ['not sealed'],
  },
  'sealed: the IV of another object': { op: 'get', alter: otherIv, readers: readsEnvelope, refuse: FORGED },
  'sealed: another recorded length': {
    op: 'get',
    alter: (stored) => [withHeader(stored, 'unencrypted-content-length', '100')],
    readers: readsEnvelope,
    refuse: FORGED,
  },
  'official: whole': { op: 'get', readers: isOfficial, refuse: ['the content algorithm'] },
  'official: range': {
    op: 'get',
    range: () => ['17-40', 17, 41],
    readers: isOfficial,
    refuse: ['the content algorithm'],
  },
  'official: download': { op: 'download', readers: downloads, refuse: ['the content algorithm'] },
}

const ALTERING = Object.keys(SEALED_READINGS).filter(
  (name) => SEALED_READINGS[name].alter !== undefined || /another/.test(name),
)
const CUTS = ALTERING.filter((name) => /cut/.test(name))
const RANGES = ['sealed: range to the end', 'sealed: range across segments', 'sealed: last 100,000 bytes']

/** Forgeries are made of one writer's objects: they are alike. */
function readingsOf({ writer, size, op, context }) {
  const readings = ['sealed: whole']
  if (OFFICIALLY_READ.includes(size)) readings.push('official: whole')
  if (size > 2 * Z) readings.push(...RANGES)
  if (writer === SEALED_PYTHON) return readings
  if (op === 'put' && size === ALTERED_BYTES) readings.push(...ALTERING, 'official: range')
  else if (op === 'put' && size > Z - 56 && size < LARGE_BYTES && context === undefined)
    readings.push(...CUTS)
  if (op === 'upload') readings.push('official: download')
  return readings
}

const sealed = { group: SEALED_GROUP, sealed: true, keys: 'rsa-2048' }

function inEveryWay(size) {
  // An empty object cannot be uploaded in parts.
  const inParts = size > LARGE_BYTES ? [['upload', LARGE_BYTES]] : [['multipart', 2 * Z]]
  const ways = [
    ['oss-cse', 'put'],
    [SEALED_PYTHON, 'put'],
    ...(size === 0 ? [] : inParts.map((way) => ['oss-cse', ...way])),
  ]
  return ways.flatMap(([writer, op, partSize]) =>
    [undefined, CONTEXT].map((context) => ({
      ...sealed,
      id: `sealed, ${size} bytes${op === 'put' ? '' : ', in parts'}${context === undefined ? '' : ', a context'}`,
      op,
      size,
      partSize,
      context,
      writers: [writer],
      readings: readingsOf({ writer, size, op, context }),
    })),
  )
}

/**
 * The sealed objects of the matrix.
 *
 * @type {readonly import('./matrix.js').ObjectKind[]}
 */
export const SEALED_OBJECTS = [
  ...SEALED_SIZES.flatMap(inEveryWay),
  ...['described', 'local-rsa', 'local-rsa-passphrase'].map((keys) => ({
    ...sealed,
    id: `sealed, 1000 bytes, ${keys}`,
    keys,
    op: 'put',
    size: 1000,
    writers: ['oss-cse', SEALED_PYTHON],
    // Tink reads no envelope: how the key is wrapped is nothing to it.
    readers: keys === 'described' ? undefined : ['oss-cse', 'python-v1', SEALED_PYTHON],
    readings: ['sealed: whole', ...(keys === 'described' ? [] : ['official: whole'])],
  })),
]
