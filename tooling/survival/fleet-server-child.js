// The emulator of a fleet, in a process of its own: it fills the buckets, notes what workers ask for, holds their requests at
// chosen moments, changes objects under their hands, and checks at the end what is there.
import { subscribe } from 'node:diagnostics_channel'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { checkFleet } from './fleet-check.js'
import { fleetProviders } from './fleet-keys.js'
import { FleetMoments, fleetRequest, spread } from './fleet-moments.js'
import { BUCKETS, fleetObjects } from './fleet-objects.js'
import { FleetWriter } from './fleet-writer.js'
import { Random } from './random.js'

const STORED_AT_ONCE = 16
const WRITER = 'writer'

const job = JSON.parse(process.argv[2])
const random = new Random(job.seed).fork('server')
const faults = { rate: 0, seed: random.integer(0, 2 ** 31 - 1), slowMs: 20 }
const moments = new FleetMoments()
/** How often each worker asked for what. @type {Map<string, number>} */
const requests = new Map()
/** The workers that sent a HEAD for a key. @type {Map<string, string[]>} */
const heads = new Map()
/** Where work was disrupted. @type {Map<string, { name: string, worker: string }>} */
const disrupted = new Map()
/** @type {Map<string, () => void>} */
const held = new Map()
let serving = false

subscribe('http.server.request.start', ({ server }) => {
  if (serving) return
  serving = true
  holdRequests(server)
})

const workers = Array.from({ length: job.workers }, (_, index) => ({ token: `worker-${index}` }))
const emulator = await startOssEmulator({
  buckets: Object.values(BUCKETS),
  securityTokens: [{ token: WRITER }, ...workers],
  maxRecordedRequests: 1,
  maxListedKeys: job.maxListedKeys,
  faults,
})
if (job.versioned) emulator.setVersioning(BUCKETS.objects, 'Enabled')
const { endpoint, region, accessKeyId, accessKeySecret } = emulator
const account = { endpoint, region, accessKeyId, accessKeySecret }
const providers = fleetProviders(job.keys)
const writer = new FleetWriter({ ...account, securityToken: WRITER }, providers)
const objects = fleetObjects(job.objects, job.seed)
await writer.prepare()
await store(objects)
/** What became of the objects that the writer changes. */
const changes = new Map()
plan()
process.on('message', respond)
process.on('disconnect', () => process.exit())
process.send({ account })

async function store(all) {
  const left = [...all]
  await Promise.all(
    Array.from({ length: STORED_AT_ONCE }, async () => {
      for (let object = left.pop(); object !== undefined; object = left.pop()) await writer.store(object)
    }),
  )
}

/** Chooses what happens to which objects. */
function plan() {
  const usual = objects.filter(({ kind }) => job.kinds.includes(kind))
  const chosen = new Set()
  for (const { name, moment, at } of job.disruptions) {
    const { key } = usual[Math.floor(at * usual.length)]
    chosen.add(key)
    moments.add(key, moment, async ({ worker }) => {
      disrupted.set(key, { name, worker })
      await new Promise((resolve) => {
        held.set(name, resolve)
        process.send({ reached: name, worker, key })
      })
    })
  }
  const others = usual.filter(({ key }) => !chosen.has(key))
  for (const { key } of spread(others, Math.round(job.races * objects.length), job.seed)) {
    const moment = job.moments[random.integer(0, job.moments.length - 1)]
    const change = job.changes[random.integer(0, job.changes.length - 1)]
    moments.add(key, moment, async () => {
      const generation = (changes.get(key)?.generation ?? 0) + 1
      await writer.change(key, change, generation)
      changes.set(key, { change, generation, moment })
    })
  }
}

function holdRequests(server) {
  const [serve] = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    void pass(request).then(() => {
      if (response.destroyed) return
      serve(request, response)
    })
  })
}

/** Resolves when a request may be served. */
async function pass(request) {
  const about = fleetRequest(request)
  if (about === undefined || about.worker === WRITER) return
  const { worker, bucket, key, operation } = about
  if (bucket !== BUCKETS.objects) return
  // Before it lists anything, a worker has stored the run.
  if (operation === 'list-type' && !requests.has(operation))
    process.send({ reached: 'first listing', worker })
  requests.set(operation, (requests.get(operation) ?? 0) + 1)
  if (key === '') return
  if (operation === 'HEAD') heads.set(key, [...(heads.get(key) ?? []), worker])
  const disruption = disrupted.get(key)
  if (disruption !== undefined && disruption.worker !== worker) {
    disrupted.delete(key)
    process.send({ retaken: disruption.name, worker })
  }
  await moments.pass(about)
}

async function respond({ start, pass: name, check }) {
  if (start) {
    faults.rate = job.faultRate
    requests.clear()
    heads.clear()
  }
  if (name !== undefined) held.get(name)?.()
  if (check === undefined) return
  const shared = new Set([...heads].filter(([, names]) => new Set(names).size > 1).map(([key]) => key))
  faults.rate = 0
  const { failures, counts } = await checkFleet({ ...check, objects, changes, writer, providers, shared })
  process.send({
    failures,
    counts: {
      ...counts,
      ...Object.fromEntries([...requests].map(([operation, count]) => [`requests, ${operation}`, count])),
      'keys with HEADs of two workers': shared.size,
      'objects changed by a writer': changes.size,
    },
  })
}
