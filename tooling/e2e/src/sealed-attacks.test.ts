import {
  alteredObjects,
  everyBit,
  hostileServer,
  largeFiles,
  type Outcome,
  randomBits,
} from '@oss-cse/attacks'
import { expect, test } from 'vitest'

const TIMEOUT_MS = 120_000
/** Another one tries other attacks: `node tooling/attacks/attack.js --seed N`. */
const SEED = 20_240_611

function expectNoAlteredByte({ counts, failures }: Outcome, reads: number): void {
  expect(failures).toEqual([])
  expect(counts.reads).toBe(reads)
  expect(counts.refused).toBeGreaterThan(0)
}

test('no read releases a byte of a small object with a flipped bit, whichever bit it is', {
  timeout: TIMEOUT_MS,
}, async () => {
  const outcome = await everyBit({ seed: SEED })
  expectNoAlteredByte(outcome, outcome.counts.refused)
})

test('no read releases an altered byte of an object with random flipped bits', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectNoAlteredByte(await randomBits({ flips: 100, seed: SEED }), 100)
})

test('no read releases a byte that the writer did not write, whatever was stored in the place of the object', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectNoAlteredByte(await alteredObjects({ alterations: 200, seed: SEED }), 200)
})

test('no read releases a byte that the writer did not write, whatever the server answers', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectNoAlteredByte(await hostileServer({ lies: 300, seed: SEED }), 300)
})

test('no download by workers leaves a file that the writer did not write', {
  timeout: TIMEOUT_MS,
}, async () => {
  expectNoAlteredByte(await largeFiles({ files: 10, seed: SEED }), 10)
})
