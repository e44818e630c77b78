import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { downloadFile, FileCheckpointStore, putFile, uploadFile } from '@oss-cse/bucket/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bucketOf, random, withEmulator } from './emulated-bucket.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const SEALED = { accept: 'sealed' } as const
const MIB = 1024 ** 2
const PARTS = { partSizeBytes: MIB, multipartThresholdBytes: MIB }

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-sealed-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe.each([
  ['in the calling thread', 0],
  ['by workers', 2],
] as const)('files that are sealed and opened %s', (_, fileWorkers) => {
  test.skipIf(fileWorkers > availableParallelism())('come back, in one request and in parts', () =>
    withEmulator(async (emulator) => {
      const bucket = bucketOf(emulator, {}, { ...SEALED, fileWorkers })
      const bytes = random(10 * MIB + 12_345)
      const [source, target] = [join(directory, 'in'), join(directory, 'out')]
      await writeFile(source, bytes)
      const put = await putFile(bucket, 'put', source)
      const uploaded = await uploadFile(bucket, 'parts', source, PARTS)
      for (const [key, { sealed, commitment, verification }] of Object.entries({ put, parts: uploaded })) {
        expect({ sealed, verification }).toEqual({ sealed: true, verification: 'crc64' })
        for (const options of [
          PARTS,
          {},
          { ...PARTS, checkpointStore: new FileCheckpointStore({ directory: join(directory, 'ck') }) },
        ]) {
          const result = await downloadFile(bucket, key, target, { ...options, expectCommitment: commitment })
          expect(result).toMatchObject({
            verification: 'aead',
            sealed: true,
            commitment,
            sizeBytes: bytes.length,
          })
          expect(Buffer.compare(await readFile(target), bytes)).toBe(0)
          await rm(target)
        }
      }
    }),
  )

  test.skipIf(fileWorkers > availableParallelism())(
    'are refused when a bit of any part was altered, and leave no file',
    () =>
      withEmulator(async (emulator) => {
        const bucket = bucketOf(emulator, {}, { ...SEALED, fileWorkers })
        const source = join(directory, 'in')
        await writeFile(source, random(9 * MIB))
        await uploadFile(bucket, 'a', source, PARTS)
        await rm(source)
        const stored = await emulator.getStoredObject('demo', 'a')
        if (stored === undefined) throw new Error('not stored')
        for (const position of [0, 3 * MIB + 7, stored.bytes.length - 1]) {
          const bytes = Uint8Array.from(stored.bytes)
          bytes[position] = (bytes[position] as number) ^ 1
          await emulator.putStoredObject('demo', 'a', { bytes })
          for (const options of [PARTS, {}]) {
            await expect(downloadFile(bucket, 'a', join(directory, 'out'), options)).rejects.toEqual(
              code('ERR_CSE_AUTHENTICATION_FAILED'),
            )
            expect(await readdir(directory)).toEqual([])
          }
        }
      }),
  )
})
