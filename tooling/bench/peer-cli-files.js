import { mkdir } from 'node:fs/promises'
import { alternate } from './alternate.js'
import { cliEnvironment, cliPrograms } from './cli-program.js'
import { digestOfFile } from './file-digest.js'
import { OPERATIONS, PARALLEL, PART_BYTES } from './peer-transfer.js'
import { measureProcesses, runToEnd } from './whole-process.js'

/** Whose drivers run beside the command line. */
const DRIVERS = ['go-v2', 'python-v1']
const BITS = 2048

/** What the command line is given for each of the drivers' operations. */
const FLAGS = {
  put: () => ['--no-resume', '--multipart-threshold', '1TiB'],
  get: () => ['--no-resume'],
  upload: inParts,
  download: inParts,
}

function inParts(checkpoints) {
  return ['--checkpoint-dir', checkpoints, '--part-size', String(PART_BYTES), '--parallel', String(PARALLEL)]
}

/**
 * Transfers a file with the command line, and with the drivers of other SDKs: each time in a process that does nothing
 * else, all of which counts.
 *
 * @param {import('./peer-lab.js').PeerLab} lab
 * @param {readonly import('./peer-sdks.js').Peer[]} peers
 * @param {{ rounds: number, sizeBytes: number, baseline?: string }} options - `baseline`: the directory of another
 *   checkout
 * @returns {Promise<Record<string, Record<string, import('./whole-process.js').ProcessSample[]>>>} by operation, then
 *   by the name of the contender
 */
export async function measureCliFiles(lab, peers, { rounds, sizeBytes, baseline }) {
  const { privateKey, forDrivers } = lab.masterKeys[BITS]
  const { sink, workspace } = lab
  const source = await workspace.sourceFile(sizeBytes)
  const stored = await lab.encryptedObject(sizeBytes, BITS)
  const target = workspace.path('downloaded')
  const checkpoints = workspace.path('checkpoints')
  const env = cliEnvironment(lab.settings.service)

  const byCli = (program, operation) => {
    const url = `oss://${lab.settings.service.bucket}/${OPERATIONS[operation] ? stored : 'uploaded'}`
    const command = OPERATIONS[operation] ? ['get', url, target] : ['put', source, url]
    const key = ['--rsa-private-key', forDrivers[0].privateKeyFile]
    return () => runToEnd([...program, ...command, ...key, ...FLAGS[operation](checkpoints)], { env })
  }
  const byDriver = ({ title, command }, operation) => {
    const transfer = {
      op: operation,
      masterKeys: forDrivers,
      object: OPERATIONS[operation] ? stored : 'uploaded',
      file: OPERATIONS[operation] ? target : source,
      partSize: PART_BYTES,
      parallel: PARALLEL,
      checkpoints,
    }
    const requests = [
      { id: 1, op: 'open', ...lab.settings },
      { id: 2, ...transfer },
    ]
    const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('')
    return async () => {
      const said = await runToEnd(command, { input })
      const { ok } = JSON.parse(said.trimEnd().split('\n').at(-1))
      if (ok === undefined) throw new Error(`${operation} by ${title}: ${said}`)
    }
  }
  const contender = (name, operation, run) => async (kept) => {
    const wrong = (how) => new Error(`${operation} of ${sizeBytes} bytes by ${name}: ${how}`)
    await mkdir(checkpoints, { mode: 0o700 })
    await sink.keep(kept === true)
    try {
      const before = await sink.usage()
      const sample = await measureProcesses(1, run)
      if (OPERATIONS[operation]) {
        const expected = await lab.expectedDigest(stored, privateKey)
        if ((await digestOfFile(target)) !== expected)
          throw wrong('the file does not hold what the object does.')
      } else {
        const { bytesReceived } = await sink.usage()
        if (bytesReceived - before.bytesReceived < sizeBytes) throw wrong('not all bytes came.')
        const problem = kept && (await sink.check({ key: 'uploaded', sourcePath: source, privateKey }))
        if (problem) throw wrong(problem)
      }
      return sample
    } finally {
      await sink.keep(false)
      await Promise.all(['downloaded', 'checkpoints'].map((each) => workspace.remove(each)))
    }
  }

  const results = {}
  for (const operation of Object.keys(OPERATIONS)) {
    const contenders = {}
    for (const [name, program] of Object.entries(cliPrograms(baseline))) {
      contenders[name] = contender(name, operation, byCli(program, operation))
    }
    for (const peer of peers.filter(({ name }) => DRIVERS.includes(name))) {
      contenders[peer.name] = contender(peer.name, operation, byDriver(peer, operation))
    }
    // Uncounted: what is kept for the next run, such as compiled code, is there, and the server keeps what it receives.
    for (const run of Object.values(contenders)) await run(true)
    results[operation] = await alternate(rounds, contenders, (round, name, { wallSeconds, cpuSeconds }) =>
      console.error(
        `cli-files, ${operation} ${round}: ${name}: ${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s`,
      ),
    )
  }
  return results
}
