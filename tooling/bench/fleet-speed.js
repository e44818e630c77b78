// Measures how fast fleets work on small objects, with one process and with several. README.md says how.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '@oss-cse/postgres-server'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { Child } from './child.js'
import { runFleet } from './fleet-processes.js'
import { table } from './markdown.js'
import { Workspace } from './workspace.js'

const SIZE_BYTES = 1024
const COMMANDS = { audit: [], verify: [], rotate: ['--to', 'new', '--yes'] }

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '20000' },
    command: { type: 'string', multiple: true, default: Object.keys(COMMANDS) },
    workers: { type: 'string', multiple: true, default: ['1', '2', '4'] },
    'shard-keys': { type: 'string', multiple: true, default: ['1000'] },
    runs: { type: 'string', default: '1' },
    embedded: { type: 'boolean', default: false },
  },
})

const workspace = new Workspace()
const keyring = await makeKeys()
const rows = []
for (const shardKeys of values['shard-keys']) {
  for (const command of values.command) {
    for (const workers of values.embedded ? ['1'] : values.workers) {
      for (let run = 0; run < Number(values.runs); run++)
        rows.push(await measure(command, Number(workers), Number(shardKeys)))
    }
  }
}
const head = [
  'command',
  'queue',
  'processes',
  'keys of a shard',
  'objects',
  'seconds',
  'objects/s',
  'CPU ms per object',
  'server CPU ms per object',
  'RSS of a process, MiB',
]
console.log(table([head, ...rows]))

/** One run on a fresh server and a fresh database. */
async function measure(command, workers, shardKeys) {
  const emulator = new Child(new URL('./fleet-emulator.js', import.meta.url), [
    JSON.stringify({
      objects: Number(values.objects),
      sizeBytes: SIZE_BYTES,
      keyFile: workspace.path('old.pem'),
      materialDescription: { key: 'old' },
      shardKeys,
    }),
  ])
  const service = await emulator.receive()
  const postgres = values.embedded ? undefined : await startPostgres()
  try {
    const before = await serverCpuSeconds(emulator)
    const { seconds, objects, cpuSeconds, peakRssMiB } = await runFleet(
      workspace.path(`run-${rows.length}`),
      {
        url: `oss://${service.bucket}/data/`,
        command: [command, ...COMMANDS[command]],
        keys: command === 'audit' ? [] : ['--keyring', keyring],
        address: postgres?.connectionString,
        workers,
        service,
      },
    )
    const server = (await serverCpuSeconds(emulator)) - before
    const milliseconds = (used) => ((used / objects) * 1000).toFixed(2)
    return [
      command,
      postgres === undefined ? 'embedded' : 'PostgreSQL',
      workers,
      shardKeys,
      objects,
      seconds.toFixed(1),
      Math.round(objects / seconds),
      milliseconds(cpuSeconds),
      milliseconds(server),
      Math.round(peakRssMiB),
    ]
  } finally {
    await postgres?.remove()
    await emulator.end()
  }
}

async function serverCpuSeconds(emulator) {
  emulator.send({})
  return (await emulator.receive()).cpuSeconds
}

async function makeKeys() {
  const materials = {}
  for (const name of ['old', 'new']) {
    const { privateKey } = await generateRsaKeyPair({ bits: 3072 })
    const privateKeyFile = workspace.path(`${name}.pem`)
    await writeFile(privateKeyFile, privateKey, { mode: 0o600 })
    materials[name] = { type: 'rsa', privateKeyFile, materialDescription: { key: name } }
  }
  const path = join(workspace.directory, 'keyring.json')
  await writeFile(path, JSON.stringify({ encrypting: 'old', materials }))
  return path
}
