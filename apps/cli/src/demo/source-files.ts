import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LETTER } from './letter.ts'

const MEBIBYTE = 1024 * 1024

/** A file that the demo uploads. */
export interface SourceFile {
  /** Its local name, and its key on the server. */
  readonly key: string
  readonly path: string
  readonly sizeBytes: number
  /** Hex. */
  readonly sha256: string
}

/** Writes a readable text. */
export async function writeLetter(directory: string): Promise<SourceFile> {
  const path = join(directory, 'letter.txt')
  await writeFile(path, LETTER)
  return { key: 'letter.txt', path, sizeBytes: Buffer.byteLength(LETTER), sha256: await sha256OfFile(path) }
}

/** Writes pseudo-random bytes that are the same in every run. */
export async function writeNoise(directory: string, sizeMebibytes: number): Promise<SourceFile> {
  const path = join(directory, 'noise.bin')
  const generator = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
  const zeros = Buffer.alloc(MEBIBYTE)
  const hash = createHash('sha256')
  const file = await open(path, 'wx')
  try {
    for (let written = 0; written < sizeMebibytes; written += 1) {
      const chunk = generator.update(zeros)
      hash.update(chunk)
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
  return { key: 'noise.bin', path, sizeBytes: sizeMebibytes * MEBIBYTE, sha256: hash.digest('hex') }
}

/** The SHA-256 of a file's content, hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: MEBIBYTE })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
