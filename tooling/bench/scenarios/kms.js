import { CryptoBucket } from '@oss-cse/bucket'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { startKmsEmulator } from '@oss-cse/kms-emulator'
import { AlicloudKms, KmsProvider } from '@oss-cse/provider-kms'
import { median } from '../alternate.js'
import { figureRow } from '../rows.js'

const LATENCY_MS = 50

/** What a master key in KMS adds to a small object: the emulator answers each call late, objects stay in memory. */
export async function kms({ runs }) {
  const emulator = await startKmsEmulator({ latencyMs: LATENCY_MS })
  try {
    const bucketOf = (options) => new CryptoBucket({ transport, provider: providerOf(emulator, options) })
    const transport = new MemoryTransport()
    const plain = bucketOf({})
    const caching = bucketOf({ unwrapCache: { maxEntries: 10, ttlMs: 600_000 } })
    const bytes = new Uint8Array(1024)
    // Connections, and the code, are warm before the clock starts.
    await plain.put('object', bytes)
    await caching.getBytes('object')
    const samples = { put: [], get: [], cached: [] }
    for (let run = 0; run < runs * 4; run++) {
      samples.put.push(await timed(emulator, () => plain.put('object', bytes)))
      samples.get.push(await timed(emulator, () => plain.getBytes('object')))
      await caching.getBytes('object')
      samples.cached.push(await timed(emulator, () => caching.getBytes('object')))
    }
    return { rows: Object.entries(samples).flatMap(([name, list]) => rowsOf(name, list)), samples }
  } finally {
    await emulator.close()
  }
}

function providerOf({ region, endpoint, accessKeyId, accessKeySecret, keyId }, options) {
  const client = new AlicloudKms({ region, endpoint, accessKeyId, accessKeySecret })
  return new KmsProvider({ client, keyId, ...options })
}

async function timed(emulator, work) {
  emulator.resetRequests()
  const began = performance.now()
  await work()
  return { ms: performance.now() - began, calls: emulator.requests.length }
}

function rowsOf(name, samples) {
  const what = `${name === 'cached' ? 'get, cached' : name} of 1 KiB, KMS ${LATENCY_MS} ms away`
  const calls = samples.map((sample) => sample.calls)
  const expected = name === 'cached' ? 0 : 2
  return [
    figureRow({ what: `${what}: calls of KMS`, unit: 'calls', ours: Math.max(...calls), atMost: expected }),
    figureRow({
      what,
      unit: 'ms',
      ours: median(samples.map(({ ms }) => ms)),
      // One round trip; two after one another would be twice that.
      atMost: name === 'cached' ? LATENCY_MS / 5 : LATENCY_MS * 1.5,
    }),
  ]
}
