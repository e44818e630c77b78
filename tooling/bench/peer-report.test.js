import { expect, test } from 'vitest'
import { peerPage } from './peer-report.js'

const samples = [{ seconds: 1, cpuSeconds: 1, peakRssMiB: 1, sinkCpuSeconds: 0 }]

/** The page of gets by two SDKs, and what the trials found out about the second. */
function pageOf(operation, checks) {
  const names = { 'oss-cse': 'oss-cse', 'python-v2': 'Python V2' }
  const peers = Object.entries(names).map(([name, title]) => ({
    name,
    title,
    packageName: name,
    version: '1',
  }))
  const all = {
    'oss-cse': { crc64: true, cut: 'resumes', flushes: true, replaced: 'starts again' },
    'python-v2': checks,
  }
  return peerPage({
    when: '2026-01-01',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 1, system: 'a system' },
    loadBefore: 0,
    rounds: 1,
    sizeBytes: 2 ** 20,
    peers,
    missing: [],
    outcomes: {
      [operation]: { samples: { 'oss-cse': samples, 'python-v2': samples }, cannot: {}, checks: all },
    },
  })
}

test('an SDK that checks nothing of what it reads is marked where its figures stand', () => {
  const page = pageOf('get', { crc64: false, cut: 'refuses', flushes: false })
  expect(page).toContain('| Python V2 † | 1.00 |')
  expect(page).toContain('- † checks nothing of what comes but its length')
  expect(page).toContain('| **oss-cse** | 1.00 |')
})

test('an SDK that makes one of the checks is not marked', () => {
  for (const check of [{ crc64: true }, { flushes: true }, { replaced: 'refuses' }]) {
    const page = pageOf('download', {
      crc64: false,
      cut: 'refuses',
      flushes: false,
      replaced: 'no',
      ...check,
    })
    expect(page).toContain('| Python V2 | 1.00 |')
    expect(page).not.toContain('- †')
  }
})
