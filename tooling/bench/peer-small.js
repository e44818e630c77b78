import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { alternate } from './alternate.js'
import { BASELINE, CACHED, OURS, PLAIN } from './peer-names.js'
import { observed, withPeer } from './peer-session.js'

export const SMALL_BYTES = 1024
export const SMALL_PARALLEL = [1, 16]

/** Who is measured under a master key of that many bits. */
const CONTENDERS = {
  2048: [OURS, BASELINE, CACHED, PLAIN, 'go-v2'],
  3072: [OURS, BASELINE, 'go-v2'],
}

/**
 * @typedef {object} SmallSample - what one call takes, by the name of `smallName`
 * @property {number} wallMs
 * @property {number} cpuMs - user and system, all threads of the client
 */

/**
 * @param {'put' | 'get'} call
 * @param {number} parallel
 * @returns {string}
 */
export const smallName = (call, parallel) => `${call} x${parallel}`

/**
 * Repeats puts and gets of 1 KiB, one at a time and several at once, in a process that has done them before.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly import('./peer-sdks.js').Peer[]} peers
 * @param {{ rounds: number, count: number }} options - `count` of calls that are measured together
 * @returns {Promise<Record<number, {
 *   samples: Record<string, Record<string, SmallSample>[]>, cannot: Record<string, string>
 * }>>} by the bits of the master key, then by contender
 */
export async function measureSmall(lab, peers, { rounds, count }) {
  const results = {}
  for (const [bits, names] of Object.entries(CONTENDERS)) {
    const contenders = {}
    const cannot = {}
    for (const name of names) {
      const peer = peers.find((each) => each.name === (name === CACHED ? OURS : name))
      if (peer === undefined) continue
      const run = (each) => loops(lab, peer, { bits, cached: name === CACHED, count: each })
      const trial = await run(SMALL_PARALLEL.at(-1))
      if (trial.cannot === undefined) contenders[name] = () => run(count)
      else cannot[name] = trial.cannot
    }
    const samples = await alternate(rounds, contenders, (round, name, sample) => {
      const figures = Object.entries(sample).map(
        ([what, { wallMs, cpuMs }]) => `${what} ${wallMs.toFixed(2)} ms, CPU ${cpuMs.toFixed(2)} ms`,
      )
      console.error(`small, RSA-${bits} ${round}: ${name}: ${figures.join('; ')}`)
    })
    results[bits] = { samples, cannot }
  }
  return results
}

/** All loops of one contender, in one process. */
async function loops(lab, peer, { bits, cached, count }) {
  const { privateKey, forDrivers } = lab.masterKeys[bits]
  const key = peer.encrypts ? privateKey : undefined
  const masterKeys = forDrivers.map((each) => ({ ...each, ...(cached && { unwrapCache: true }) }))
  const source = await lab.workspace.sourceFile(SMALL_BYTES)
  const target = lab.workspace.path('downloaded')
  const stored = await lab.encryptedObject(SMALL_BYTES, bits)
  const requests = {
    put: { object: 'small', file: source },
    get: { object: stored, file: target },
  }
  const wrong = (call, how) => new Error(`${call} of 1 KiB by ${peer.title}: ${how}`)
  return withPeer(lab, peer, masterKeys, async (driver) => {
    const sample = {}
    for (const parallel of SMALL_PARALLEL) {
      for (const [call, files] of Object.entries(requests)) {
        const request = { op: 'loop', call, masterKeys, parallel, ...files }
        const warm = await observed(lab.sink, driver, { ...request, count: Math.ceil(count / 4) })
        if (warm.cannot !== undefined) return warm
        const outcome = await observed(lab.sink, driver, { ...request, count })
        if (outcome.cannot !== undefined) throw wrong(call, outcome.cannot)
        if (call === 'put') {
          const problem = await lab.sink.check({ key: 'small', sourcePath: source, privateKey: key })
          if (problem !== undefined) throw wrong(call, problem)
        } else {
          const digest = createHash('sha256')
            .update(await readFile(target))
            .digest('hex')
          if (digest !== (await lab.expectedDigest(stored, key))) throw wrong(call, 'other bytes came.')
        }
        const { seconds, cpuSeconds } = outcome.sample
        sample[smallName(call, parallel)] = {
          wallMs: (seconds * 1000) / count,
          cpuMs: (cpuSeconds * 1000) / count,
        }
      }
    }
    return sample
  })
}
