import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  openSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

/** A whole second: what `utimes` can give back exactly. */
const MODIFIED_SECONDS = 1_700_000_000
const WRITTEN_BYTES = 1000

/**
 * @typedef {object} Change - one way in which a file becomes another one
 * @property {string} what
 * @property {(path: string, part: { begun: number, later: number }) => void} make - `begun` and `later` are offsets in a
 * part that was sent already, and in one that was not
 */

/** @type {readonly Change[]} */
export const FILE_CHANGES = [
  {
    what: 'is overwritten here and there, keeping its time',
    make: (path, { begun, later }) => writeQuietly(path, [begun, later]),
  },
  { what: 'is cut short', make: (path, { later }) => truncateSync(path, later) },
  { what: 'is replaced by another one', make: replace },
  { what: 'grows', make: (path) => appendFileSync(path, randomBytes(100_000)) },
  { what: 'is overwritten', make: (path, { begun, later }) => overwrite(path, [begun, later]) },
  {
    what: 'is overwritten where it was sent, keeping its time',
    make: (path, { begun }) => writeQuietly(path, [begun]),
  },
  {
    what: 'is overwritten where it was not sent, keeping its time',
    make: (path, { later }) => writeQuietly(path, [later]),
  },
]

/** Gives a file the time that the quiet changes keep. */
export function setModified(path) {
  utimesSync(path, MODIFIED_SECONDS, MODIFIED_SECONDS)
}

function replace(path) {
  const other = `${path}.new`
  writeFileSync(other, randomBytes(4_500_000))
  renameSync(other, path)
}

function overwrite(path, offsets) {
  const file = openSync(path, 'r+')
  for (const offset of offsets) writeSync(file, randomBytes(WRITTEN_BYTES), 0, WRITTEN_BYTES, offset)
  closeSync(file)
}

/** Overwrites a file at these offsets, and gives it the time of `setModified`. */
export function writeQuietly(path, offsets) {
  overwrite(path, offsets)
  setModified(path)
}
