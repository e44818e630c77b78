import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  changingFile,
  copiedCheckpoints,
  exits,
  findSecrets,
  formsOf,
  fullDisk,
  killDownloads,
  killUploads,
  lostWorkers,
  type Outcome,
  soak,
  stopped,
  twice,
} from '@oss-cse/survival'
import { expect, test } from 'vitest'
import { random } from './emulated-bucket.ts'

const TIMEOUT_MS = 120_000
/** Another one tries other moments: `node tooling/survival/survive.js --seed N`. */
const SEED = 20_240_611

function expectSurvival({ counts, failures }: Outcome, expected: Readonly<Record<string, unknown>>): void {
  expect(failures).toEqual([])
  expect(counts).toMatchObject(expected)
}

test('an upload that was killed goes on with what the server holds, and never sends it again', {
  timeout: TIMEOUT_MS,
}, async () => {
  // Each way at least once.
  expectSurvival(await killUploads({ kills: 8, seed: SEED }), {
    kills: 8,
    'transfers, aes-ctr, in one request': expect.any(Number),
    'transfers, sealed, in one request': expect.any(Number),
    'transfers, aes-ctr, in parts': expect.any(Number),
    'transfers, sealed, in parts': expect.any(Number),
  })
})

test('a download that was killed fetches what is missing, and nothing else', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await killDownloads({ kills: 4, seed: SEED }), {
    kills: 4,
    'transfers, aes-ctr': expect.any(Number),
    'transfers, sealed': expect.any(Number),
  })
})

test('with one request in ten failing in any way, every object arrives intact or is refused, and nothing leaks', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await soak({ objects: 30, seed: SEED }), {
    objects: 30,
    'objects, sealed': 15,
  })
})

test('when worker threads end at random moments, every object arrives intact, and nothing is left over', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await lostWorkers({ losing: 4, seed: SEED }), {
    'objects, aes-ctr': 2,
    'objects, sealed': 2,
  })
})

test('a transfer whose process is stopped for longer than its idle timeout arrives intact', {
  timeout: TIMEOUT_MS,
}, async ({ skip }) => {
  const outcome = await stopped({ stops: 2, seed: SEED })
  if (outcome.skipped !== undefined) skip(outcome.skipped)
  expectSurvival(outcome, {
    'uploads stopped, aes-ctr': 1,
    'uploads stopped, sealed': 1,
    'downloads stopped, aes-ctr': 1,
    'downloads stopped, sealed': 1,
  })
})

test('a process that exits in the middle of a transfer does not wait for it, and the next run resumes', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(
    await exits({ exits: 4, seed: SEED }),
    Object.fromEntries(
      ['aes-ctr', 'sealed'].flatMap((format) => [
        [`uploads (${format}) that exit while the server holds parts`, 1],
        [`downloads (${format}) that exit while the server holds parts`, 1],
        [`uploads (${format}) that exit at a report of progress`, 1],
        [`downloads (${format}) that exit at a report of progress`, 1],
      ]),
    ),
  )
})

test('a full or read-only disk is a clear error, and the same command goes on when there is space', {
  timeout: TIMEOUT_MS,
}, async ({ skip }) => {
  const outcome = await fullDisk()
  expect(outcome.failures).toEqual([])
  if (outcome.skipped !== undefined) skip(outcome.skipped)
})

test('of one transfer started twice at once, one is refused and the other is right', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await twice({ seed: SEED }), {
    'two aes-ctr uploads at once': 1,
    'two sealed uploads at once': 1,
    'two aes-ctr downloads at once': 1,
    'two sealed downloads at once': 1,
  })
})

test('a file that changes is stored as it was at rest, or not at all', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await changingFile({ changes: 2 }), {
    'changes, aes-ctr': 6,
    'changes, sealed': 6,
  })
})

test('an older copy of a checkpoint never has a key used twice for what the copy, the file and the server tell', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await copiedCheckpoints({ cases: 3 }), {
    'copies put back, aes-ctr': 3,
    'copies put back, sealed': 3,
  })
})

test('the search for keys on disk finds them in every form', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'oss-cse-secrets-'))
  const bytes = random(32)
  try {
    for (const [form, text] of Object.entries(formsOf(bytes))) {
      await writeFile(join(directory, 'file'), Buffer.concat([random(100), Buffer.from(text), random(100)]))
      expect(findSecrets(directory, [{ name: 'key', bytes }])).toContain(`key (${form}) in file`)
    }
    await writeFile(join(directory, 'file'), random(1000))
    expect(findSecrets(directory, [{ name: 'key', bytes }])).toEqual([])
  } finally {
    await rm(directory, { recursive: true })
  }
})
