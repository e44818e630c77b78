import { mkdirSync, writeFileSync } from 'node:fs'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { Child } from '../child.js'
import { Random } from '../random.js'
import { Workspace } from '../workspace.js'

const FAULTS = [
  'status-500',
  'status-503',
  'reset-before',
  'reset-during-request',
  'reset-after',
  'reset-during-response',
  'truncate-response',
  'slow',
  'wrong-crc',
  'corrupt-body',
  'stall',
]
/** Far more than it takes: only what hangs is still under way then. */
const LIMIT_MS = { whole: 120_000, perObject: 5_000 }

/**
 * Many objects, dozens at a time, while one request in ten fails in any way: each arrives intact or is refused, nothing
 * hangs and nothing leaks.
 *
 * @param {{ objects: number, seed: number }} options
 * @returns {Promise<import('../index.js').Outcome>}
 */
export async function soak({ objects, seed }) {
  const workspace = new Workspace()
  const directory = workspace.path('transfers')
  mkdirSync(directory)
  const faultSeed = new Random(seed).fork('faults').integer(0, 2 ** 31 - 1)
  const keyFile = workspace.path('key.pem')
  writeFileSync(keyFile, (await generateRsaKeyPair({ bits: 2048 })).privateKey, { mode: 0o600 })
  const server = new Child(new URL('../emulator-child.js', import.meta.url), [
    JSON.stringify({
      keyFile,
      dataDirectory: workspace.path('server'),
      faults: { rate: 0.1, seed: faultSeed, kinds: FAULTS, slowMs: 20 },
    }),
  ])
  let transfers
  try {
    const job = {
      server: await server.receive(),
      keyFile,
      directory,
      objects,
      seed,
      limitMs: LIMIT_MS.whole + objects * LIMIT_MS.perObject,
    }
    transfers = new Child(new URL('../soak-child.js', import.meta.url), [JSON.stringify(job)])
    return await outcomeOf(transfers, server)
  } finally {
    await transfers?.stop()
    await server.stop()
    workspace.close()
  }
}

/** Asks the server on behalf of the transfers, until they are done. */
async function outcomeOf(transfers, server) {
  for (;;) {
    const message = await transfers.receive()
    if ('outcome' in message) return message.outcome
    server.send(message)
    transfers.send(await server.receive())
  }
}
