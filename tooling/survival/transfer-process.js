import { Child } from './child.js'

/**
 * @typedef {object} TransferEnd
 * @property {number} [resumedBytes]
 * @property {string} [error]
 * @property {{ type: string, code?: string, message: string }[]} events - what the bucket logged
 * @property {number} reports - how many reports of progress there were
 * @property {Record<string, number>} jobs - how many jobs of each kind worker threads had
 */

/**
 * Starts one transfer by worker threads in a process of its own.
 *
 * @param {import('./site.js').Site} site
 * @param {{ operation: 'upload' | 'download', key: string, path: string }} transfer
 * @param {{ format: import('@oss-cse/crypto-core').ContentFormat, idleTimeoutMs?: number, exitAtReport?: number }} options
 */
export function startTransfer(site, transfer, options) {
  const { access, checkpoints, partBytes, parallel } = site
  const job = { access, checkpoints, partBytes, parallel, transfer, ...options }
  return new Child(new URL('transfer-child.js', import.meta.url), [JSON.stringify(job)])
}

/**
 * What a transfer said at its end. Resolves when its process has ended by itself.
 *
 * @param {Child} child
 * @returns {Promise<TransferEnd | undefined>} `undefined`: it ended before it said anything
 */
export async function transferEnd(child) {
  const said = await child.receive().catch(() => undefined)
  await child.ended
  return said
}

/** Whether worker threads moved the bytes of a transfer. @param {TransferEnd} end */
export function usedWorkers({ jobs }, operation) {
  return operation === 'upload' ? jobs.hold > 0 && jobs.send > 0 : jobs.fetch > 0
}
