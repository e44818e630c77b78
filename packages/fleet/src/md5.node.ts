import { createHash, type Hash } from 'node:crypto'

/** Starts an MD5, which the service keeps of objects and of the files of an inventory. It finds accidents, and no attacks. */
export function createMd5(): Hash {
  return createHash('md5')
}
