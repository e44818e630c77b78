import { randomBytes, randomUUID } from 'node:crypto'
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import { temporaryName } from './temporary-name.node.ts'
import { openTrustedFile } from './trusted-file.node.ts'

const FILE = 'checkpoints.key'
const KEY_BYTES = 32

/**
 * Reads the key that authenticates the records of a directory. It is a file beside them, which only this user can read.
 *
 * @returns `undefined` if there is none yet
 * @throws CseError `ERR_CSE_CHECKPOINT` when another user can read or write it, or it is damaged
 */
export async function readCheckpointKey(directory: string): Promise<Uint8Array | undefined> {
  const path = join(directory, FILE)
  const file = await openTrustedFile(path, true)
  if (file === undefined) return undefined
  try {
    const key = new Uint8Array(KEY_BYTES + 1)
    const { bytesRead } = await file.read(key, 0, key.length, 0)
    if (bytesRead === KEY_BYTES) return key.subarray(0, KEY_BYTES)
  } finally {
    await file.close()
  }
  throw new CseError(
    'ERR_CSE_CHECKPOINT',
    `${path} is damaged: remove it. Transfers then start from the beginning.`,
  )
}

/**
 * Reads the key of a directory, or creates it. If several processes create one, all get the same key. Only on a file
 * system without hard links the last one wins, and what the others saved until then is treated as damaged.
 */
export async function makeCheckpointKey(directory: string): Promise<Uint8Array> {
  for (;;) {
    const key = await readCheckpointKey(directory)
    if (key !== undefined) return key
    await makeFile(join(directory, FILE))
  }
}

/** Creates the whole file or nothing. Keeps a file that another process created first. */
async function makeFile(path: string): Promise<void> {
  const temporary = join(dirname(path), temporaryName(randomUUID()))
  const file = await open(temporary, 'wx', 0o600)
  try {
    await writeKey(file)
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') return rename(temporary, path)
    })
  } finally {
    await unlink(temporary).catch(() => {})
  }
}

async function writeKey(file: FileHandle): Promise<void> {
  try {
    await file.writeFile(randomBytes(KEY_BYTES))
    await file.sync()
  } finally {
    await file.close()
  }
}
