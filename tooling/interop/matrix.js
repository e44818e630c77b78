import { SEALED_OBJECTS, SEALED_READINGS } from './sealed-objects.js'

/**
 * @typedef {object} ObjectKind - what a writer writes
 * @property {string} id
 * @property {string} group
 * @property {keyof typeof KEYS} keys
 * @property {'put' | 'multipart' | 'upload'} op
 * @property {number} size - in bytes
 * @property {number} [partSize] - in bytes
 * @property {boolean} [interrupted] - the writing is broken off, and the same call goes on
 * @property {boolean} [handMade] - it is made in the forms of SDKs that cannot run, too
 * @property {readonly string[]} [writers] - who writes it; absent: every SDK that runs here
 * @property {readonly string[]} [readers] - who reads it; absent: everybody who reads objects of its kind
 * @property {readonly string[]} readings
 * @property {Buffer} [iv] - for hand-made objects
 * @property {boolean} [sealed]
 * @property {string} [context] - of a sealed object
 *
 * @typedef {object} Reading - how a reader reads
 * @property {'get' | 'download' | 'copy' | 'head'} op
 * @property {(size: number) => [string, number, number]} [range] - as the protocol says it, and the slice expected
 * @property {(lab: import('./lab.js').Lab) => readonly object[]} [keys] - in place of the object's
 * @property {readonly import('./refusals.js').Reason[]} [refuse] - the right answer is a refusal, for one of these
 * @property {'passthrough'} [onPlainObject] - for oss-cse; the others have no such choice
 * @property {boolean} [interrupted]
 * @property {string} [context] - in place of the object's
 * @property {(participant: import('./participants.js').Participant) => boolean} [readers] - absent: everybody
 * @property {(stored: StoredObject, lab: import('./lab.js').Lab) => readonly StoredObject[]} [alter] - the forged objects
 * that are read in place of the object; all of them must be refused
 *
 * @typedef {{ headers: Record<string, string>, bytes: Uint8Array }} StoredObject
 */

const KIB = 2 ** 10
const MIB = 2 ** 20
const RANGED = MIB + 7
const IN_PARTS = 20 * MIB + 3

/** The parts of a resumable download. */
export const DOWNLOAD_PART_BYTES = MIB
export const METADATA = { owner: 'lab', 'content-note': 'kept as it is' }

const HARD = [
  ['zone', 'a/b\\c'],
  ['name with spaces', 'quotes " and \''],
  ['markup', '<b>&amp;</b>'],
]
const NON_ASCII = [...HARD, ['city', '杭州 é']]
const PLAIN = [['team', 'backup']]
const FIRST = [['key', '1']]
const SECOND = [['key', '2']]

/** Who of a bucket knows which master keys: the writer, and a reader. */
export const KEYS = {
  'rsa-2048': { write: (lab) => [lab.rsa('a')], read: (lab) => [lab.rsa('a')] },
  'rsa-4096': { write: (lab) => [lab.rsa('a-4096')], read: (lab) => [lab.rsa('a-4096')] },
  described: { write: (lab) => [lab.rsa('a', PLAIN)], read: (lab) => [lab.rsa('a', PLAIN)] },
  'described-hard': {
    write: (lab) => [lab.rsa('a', HARD)],
    read: (lab) => [lab.rsa('a', HARD.toReversed())],
  },
  'described-non-ascii': {
    write: (lab) => [lab.rsa('a', NON_ASCII)],
    read: (lab) => [lab.rsa('a', NON_ASCII.toReversed())],
  },
  several: {
    write: (lab) => [lab.rsa('a', FIRST), lab.rsa('b', SECOND)],
    read: (lab) => [lab.rsa('b', SECOND), lab.rsa('a', FIRST)],
  },
  'several-hard': {
    write: (lab) => [lab.rsa('a', HARD), lab.rsa('b', SECOND)],
    read: (lab) => [lab.rsa('b', SECOND), lab.rsa('a', HARD.toReversed())],
  },
  kms: { write: (lab) => [lab.kms()], read: (lab) => [lab.kms()] },
  'kms-described': {
    write: (lab) => [lab.kms({ description: PLAIN })],
    read: (lab) => [lab.kms({ description: PLAIN })],
  },
  'kms-oss2': { write: (lab) => [lab.kms({ encoding: 'oss2' })], read: (lab) => [lab.kms()] },
  'kms-passphrase': {
    write: (lab) => [lab.kms({ encoding: 'oss2', passphrase: 'open sesame' })],
    read: (lab) => [lab.kms({ passphrase: 'open sesame' })],
  },
  'kms-passphrase-once': {
    write: (lab) => [lab.kms({ passphrase: 'open sesame' })],
    read: (lab) => [lab.kms({ passphrase: 'open sesame' })],
  },
  'kms-several': {
    write: (lab) => [lab.kms({ description: FIRST }), lab.otherKms({ description: SECOND })],
    read: (lab) => [lab.otherKms({ description: SECOND }), lab.kms({ description: FIRST })],
  },
  mixed: {
    write: (lab) => [lab.kms({ description: FIRST })],
    read: (lab) => [lab.rsa('a', SECOND), lab.kms({ description: FIRST })],
  },
  'local-rsa': { write: (lab) => [lab.localRsa('open')], read: localRsaOrItsPair('open') },
  'local-rsa-passphrase': { write: (lab) => [lab.localRsa('locked')], read: localRsaOrItsPair('locked') },
  'local-rsa-v1': {
    write: (lab) => [lab.localRsa('open', { format: 'v1' })],
    read: localRsaOrItsPair('open'),
  },
}

/** Only two SDKs know `LocalRsaProvider`; the others get the same key pair. */
function localRsaOrItsPair(prefix) {
  return (lab, reader) =>
    ['oss-cse', ...OSS2].includes(reader) ? [lab.localRsa(prefix)] : [lab.rsa(`local-${prefix}`)]
}

const range = (text, start, end) => ({ op: 'get', range: (size) => [text, start, end ?? size] })

/** @type {Record<string, Reading>} */
export const READINGS = {
  whole: { op: 'get' },
  'range, aligned': range('4096-8191', 4096, 8192),
  'range, not aligned': range('4099-8190', 4099, 8191),
  'range, one byte': range('65535-65535', 65535, 65536),
  'range, open, from 0': range('0-', 0),
  'range, open, aligned': range('524288-', 524288),
  'range, open, not aligned': range('524291-', 524291),
  'range from 0 to beyond the end': range('0-2097151', 0),
  'range to beyond the end, aligned': range('1048560-2097151', 1048560),
  'range to beyond the end, not aligned': range('1048563-2097151', 1048563),
  'range that begins beyond the end': { ...range('2097152-2097200', RANGED), refuse: ['the range'] },
  'short range, not aligned': range('17-40', 17, 41),
  'suffix, aligned': range('-23', RANGED - 23),
  'suffix, not aligned': range('-5', RANGED - 5),
  'suffix longer than the object': range('-2097152', 0),
  'range across parts, not aligned': range('8388601-16777219', 8388601, 16777220),
  'range after the carry, aligned': range('512-767', 512, 768),
  'range after the carry, not aligned': range('515-766', 515, 767),
  download: { op: 'download' },
  'download, interrupted': { op: 'download', interrupted: true },
  copy: { op: 'copy' },
  metadata: { op: 'head' },
  'another key': { op: 'get', keys: (lab) => [lab.rsa('b')], refuse: ['the key does not unwrap it'] },
  'another key with another description': {
    op: 'get',
    keys: (lab) => [lab.rsa('b', SECOND)],
    refuse: ['no key of that description', 'the key does not unwrap it'],
  },
  'the key with another description': {
    op: 'get',
    keys: (lab) => [lab.rsa('a', SECOND)],
    refuse: ['no key of that description'],
  },
  'with the default options': { op: 'get', refuse: ['not encrypted'] },
  'as a plain object': { op: 'get', onPlainObject: 'passthrough' },
  'the key with a description': { op: 'get', keys: (lab) => [lab.rsa('a', SECOND)] },
  ...SEALED_READINGS,
}

const RANGES = Object.keys(READINGS).filter(
  (name) => /^(range|suffix)/.test(name) && !/parts|carry/.test(name),
)
const OSS2 = ['python-v1', 'python-v1-2.10']
/** Hand-made, and not in the form of any SDK. */
const ONLY_THEIR_OWN = ['any-iv', 'plain']
const KEY_SERVICES = 'KMS and LocalRsaProvider'

/** An IV whose counter carries out of its low bits ten blocks after the start. */
function carrying(bits) {
  const iv = Buffer.from('3a91c5e07b2d4f68', 'hex')
  const counter = (1n << BigInt(bits)) - 10n
  const low = bits === 128 ? counter : (BigInt(`0x${iv.toString('hex')}`) << 64n) | counter
  return Buffer.from(low.toString(16).padStart(32, '0'), 'hex')
}

/** @returns {readonly ObjectKind[]} */
export const OBJECTS = [
  ...[0, 1, 15, 16, 17].map((size) => ({
    id: `${size} ${size === 1 ? 'byte' : 'bytes'}`,
    group: 'Sizes',
    keys: 'rsa-2048',
    op: 'put',
    size,
    readings: size === 17 ? ['whole', 'another key', 'the key with a description'] : ['whole'],
    handMade: true,
  })),
  {
    id: '1 MiB + 7 bytes',
    group: 'Sizes',
    keys: 'rsa-2048',
    op: 'put',
    size: RANGED,
    readings: ['whole', 'metadata', 'copy', ...RANGES],
    handMade: true,
  },
  {
    id: '100 KiB + 37 bytes, multipart calls',
    group: 'Multipart transfers',
    keys: 'rsa-2048',
    op: 'multipart',
    size: 100 * KIB + 37,
    partSize: 100 * KIB,
    readings: ['whole'],
    handMade: true,
  },
  {
    id: '20 MiB + 3 bytes, multipart calls',
    group: 'Multipart transfers',
    keys: 'rsa-2048',
    op: 'multipart',
    size: IN_PARTS,
    partSize: 8 * MIB,
    readings: ['whole', 'metadata', 'range across parts, not aligned'],
    handMade: true,
  },
  {
    id: '20 MiB + 3 bytes, file upload',
    group: 'Multipart transfers',
    keys: 'rsa-2048',
    op: 'upload',
    size: IN_PARTS,
    partSize: MIB,
    readings: ['whole', 'metadata', 'copy', 'download', 'download, interrupted'],
  },
  {
    id: '20 MiB + 3 bytes, file upload, interrupted',
    group: 'Multipart transfers',
    keys: 'rsa-2048',
    op: 'upload',
    size: IN_PARTS,
    partSize: MIB,
    interrupted: true,
    readings: ['whole'],
  },
  ...[
    ['rsa-4096', 'RSA-4096', ['whole']],
    [
      'described',
      'a description',
      ['whole', 'another key with another description', 'the key with another description'],
    ],
    ['described-hard', 'a description of spaces, slashes, quotes, <>&', ['whole']],
    ['described-non-ascii', 'a description that is not ASCII', ['whole']],
    ['several', 'two keys', ['whole']],
    ['several-hard', 'two keys, spaces, slashes, quotes, <>&', ['whole']],
  ].map(([keys, id, readings]) => ({
    id,
    group: 'RSA keys and material descriptions',
    keys,
    op: 'put',
    size: 1000,
    readings,
    handMade: !keys.startsWith('several'),
  })),
  ...[
    ['kms', 'KMS'],
    ['kms-described', 'KMS, a description'],
    ['kms-several', 'two KMS keys'],
    ['kms-oss2', 'KMS, encoding: oss2', ['oss-cse']],
    ['kms-passphrase', 'KMS, a passphrase', ['oss-cse', ...OSS2]],
    ['kms-passphrase-once', 'KMS, a passphrase, encoding: blob', ['oss-cse']],
    ['mixed', 'KMS, read beside an RSA key', ['oss-cse']],
    ['local-rsa', 'LocalRsaProvider', ['oss-cse', ...OSS2]],
    ['local-rsa-passphrase', 'LocalRsaProvider, a passphrase', ['oss-cse', ...OSS2]],
    ['local-rsa-v1', 'LocalRsaProvider, format: v1', ['oss-cse']],
  ].map(([keys, id, writers]) => ({
    id,
    group: KEY_SERVICES,
    keys,
    op: 'put',
    size: 1000,
    writers,
    readings: ['whole', 'short range, not aligned'],
  })),
  ...[32, 64, 128].map((bits) => ({
    id: `a carry out of the low ${bits} bits`,
    group: 'Counters',
    keys: 'rsa-2048',
    op: 'put',
    size: 1000,
    writers: ['any-iv'],
    iv: carrying(bits),
    readings: ['whole', 'range after the carry, aligned', 'range after the carry, not aligned'],
  })),
  {
    id: 'a plain object',
    group: 'Not encrypted',
    keys: 'rsa-2048',
    op: 'put',
    size: 1000,
    writers: ['plain'],
    readings: ['with the default options', 'as a plain object'],
  },
  ...SEALED_OBJECTS,
]

/** What a writer is asked to write. */
export function objectsOf({ name, handMade, onlyKeyServices, onlySealed }) {
  return OBJECTS.filter(({ writers, group, ...object }) => {
    if (writers !== undefined) return writers.includes(name)
    if (handMade) return object.handMade && !ONLY_THEIR_OWN.includes(name)
    return !onlySealed && (group === KEY_SERVICES || !onlyKeyServices)
  })
}

/** Whether a reader is asked to read the object. */
export function isReaderOf({ name, onlyKeyServices, onlySealed }, { group, sealed = false, readers }) {
  if (readers !== undefined) return readers.includes(name)
  if (onlyKeyServices) return group === KEY_SERVICES
  return sealed || !onlySealed
}

/** The ways in which a reader is asked to read the object. */
export function readingsBy(reader, { readings }) {
  return readings.filter((reading) => READINGS[reading].readers?.(reader) ?? true)
}
