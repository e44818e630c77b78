import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  changingFile,
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

function expectSurvival({ counts, failures }: Outcome, expected: Readonly<Record<string, number>>): void {
  expect(failures).toEqual([])
  expect(counts).toMatchObject(expected)
}

test('an upload that was killed goes on with what the server holds, and never sends it again', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await killUploads({ kills: 4, seed: SEED }), { kills: 4 })
})

test('a download that was killed fetches what is missing, and nothing else', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await killDownloads({ kills: 4, seed: SEED }), { kills: 4 })
})

test('with one request in ten failing in any way, every object arrives intact or is refused, and nothing leaks', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await soak({ objects: 30, seed: SEED }), { objects: 30 })
})

test('when worker threads end at random moments, every object arrives intact, and nothing is left over', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await lostWorkers({ losing: 3, seed: SEED }), { objects: 3 })
})

test('a transfer whose process is stopped for longer than its idle timeout arrives intact', {
  timeout: TIMEOUT_MS,
}, async ({ skip }) => {
  const outcome = await stopped({ stops: 1, seed: SEED })
  if (outcome.skipped !== undefined) skip(outcome.skipped)
  expectSurvival(outcome, { 'uploads stopped': 1, 'downloads stopped': 1 })
})

test('a process that exits in the middle of a transfer does not wait for it, and the next run resumes', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await exits({ exits: 2, seed: SEED }), {
    'uploads that exit while the server holds parts': 1,
    'downloads that exit while the server holds parts': 1,
    'uploads that exit at a report of progress': 1,
    'downloads that exit at a report of progress': 1,
  })
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
  expectSurvival(await twice({ seed: SEED }), { 'two uploads at once': 1, 'two downloads at once': 1 })
})

test('a file that changes is stored as it was at rest, or not at all', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectSurvival(await changingFile({ changes: 2 }), { changes: 4 })
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
