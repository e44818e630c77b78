import { OPERATIONS, peerTransfer, WrongBytes } from './peer-transfer.js'

/** Three parts, the last of them short. */
const TRIAL_BYTES = 20 * 2 ** 20 + 5

/**
 * @typedef {object} Checks - what an SDK spends time on, found out by trial
 * @property {boolean} crc64 - it noticed that the server named a wrong CRC-64: of what was sent, or of what was received
 * @property {boolean} [flushes] - the file that it wrote was on the disk when it was done
 * @property {'refuses' | 'resumes' | 'no'} [cut] - what it does when the connection ends in the middle of an object: `no`
 *   if it takes what has come for the whole
 * @property {'refuses' | 'starts again' | 'no'} [replaced] - what it does when another object has taken the place of the
 *   one that it is reading; absent where it reads the object in one request
 */

/**
 * Finds out who can do an operation, and what of it each checks.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly import('./peer-sdks.js').Peer[]} peers
 * @param {keyof typeof OPERATIONS} operation
 * @returns {Promise<{
 *   able: import('./peer-sdks.js').Peer[], cannot: Record<string, import('./peer-session.js').Refusal>,
 *   checks: Record<string, Checks>
 * }>}
 */
export async function tryOut(lab, peers, operation) {
  const able = []
  const cannot = {}
  const checks = {}
  for (const peer of peers) {
    const outcome = await peerTransfer(lab, peer, operation, TRIAL_BYTES)
    if (outcome.cannot !== undefined) {
      cannot[peer.name] = outcome
      console.error(`${operation}: ${peer.title} cannot: ${outcome.cannot}`)
      continue
    }
    able.push(peer)
    const tried = async (pretence) => {
      const result = await peerTransfer(lab, peer, operation, TRIAL_BYTES, { pretence })
      const what = Object.keys(pretence).join()
      console.error(`${operation}: ${peer.title}, trial of ${what}: ${result.cannot ?? 'succeeds'}`)
      return result
    }
    const replaced = async () => {
      const { cannot: reason, objectsSent } = await tried({ replaced: true })
      if (reason !== undefined) return 'refuses'
      return objectsSent > outcome.objectsSent ? 'starts again' : 'no'
    }
    const cut = async () => {
      try {
        return (await tried({ cut: true })).cannot === undefined ? 'resumes' : 'refuses'
      } catch (error) {
        if (!(error instanceof WrongBytes)) throw error
        console.error(`${operation}: ${peer.title}, trial of cut: ${error.message}`)
        return 'no'
      }
    }
    checks[peer.name] = {
      crc64: (await tried({ crc64: '1' })).cannot !== undefined,
      ...(OPERATIONS[operation] && { cut: await cut(), flushes: outcome.flushed }),
      ...(outcome.objectsSent > 1 && { replaced: await replaced() }),
    }
  }
  return { able, cannot, checks }
}
