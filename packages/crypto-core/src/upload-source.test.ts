import { expect, test, vi } from 'vitest'
import { CseError } from './errors.ts'
import type { ObjectBody } from './ports.ts'
import { UploadSource } from './upload-source.ts'

const SOURCE = expect.objectContaining({ code: 'ERR_CSE_SOURCE', objectKey: 'k' })

function sourceOf(chunks: readonly unknown[], sizeBytes?: number): UploadSource {
  async function* open() {
    yield* chunks as Uint8Array[]
  }
  return new UploadSource({ open, sizeBytes }, 'k')
}

async function lengths(source: UploadSource): Promise<number[]> {
  const found: number[] = []
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next())
    found.push(chunk.length)
  return found
}

test('returns the chunks in order, without empty ones, and then nothing', async () => {
  const source = sourceOf([new Uint8Array(2), new Uint8Array(), new Uint8Array(1)], 3)
  expect(await lengths(source)).toEqual([2, 1])
})

test.each([
  ['more bytes than stated', [new Uint8Array(2), new Uint8Array(2)], 3],
  ['fewer bytes than stated', [new Uint8Array(2)], 3],
  ['a text', ['abc'], undefined],
  ['nothing', [undefined], undefined],
])('fails for a source with %s', async (_what, chunks, sizeBytes) => {
  await expect(lengths(sourceOf(chunks, sizeBytes))).rejects.toEqual(SOURCE)
})

test.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses the size %s', (sizeBytes) => {
  expect(() => sourceOf([], sizeBytes)).toThrow(expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }))
})

test('has the error of the source as the cause, and throws a CseError of the source unchanged', async () => {
  const failing = (error: unknown) =>
    new UploadSource(
      {
        open: () => {
          throw error
        },
      },
      'k',
    )
  const disk = new Error('the disk is gone')
  await expect(failing(disk).next()).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE', cause: disk })
  const own = new CseError('ERR_CSE_FILE', 'no')
  await expect(failing(own).next()).rejects.toBe(own)
})

test('a stopped source is returned once, and yields nothing more, even what comes late', async () => {
  let resolve: (step: IteratorResult<Uint8Array>) => void = () => {}
  const step = new Promise<IteratorResult<Uint8Array>>((done) => {
    resolve = done
  })
  const returned = vi.fn(async () => ({ done: true, value: undefined }) as const)
  const body: ObjectBody = {
    open: () => ({ [Symbol.asyncIterator]: () => ({ next: () => step, return: returned }) }),
  }
  const source = new UploadSource(body, 'k')
  const next = source.next()
  source.stop()
  source.stop()
  resolve({ done: false, value: new Uint8Array(1) })
  expect(await next).toBeUndefined()
  expect(returned).toHaveBeenCalledTimes(1)
})

test('gives chunks back to their source, whose errors are ignored', async () => {
  const recycle = vi.fn(() => {
    throw new Error('not mine')
  })
  const chunk = new Uint8Array(1)
  async function* open() {
    yield chunk
  }
  const source = new UploadSource({ open: () => Object.assign(open(), { recycle }) }, 'k')
  await source.next()
  source.recycle(chunk)
  expect(recycle).toHaveBeenCalledExactlyOnceWith(chunk)
})
