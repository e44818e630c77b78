/**
 * Runs the calls of `smoke-calls.mjs` in other runtimes, on the built output and an emulator. Not in CI: the runtimes
 * take 350 MB. `npm install deno @oven/bun-linux-x64 workerd` in another folder, then:
 *
 *   node test/smoke-runtimes.mjs FOLDER
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { build } from 'esbuild'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const modules = join(resolve(process.argv[2] ?? '.'), 'node_modules')
const directory = await mkdtemp(join(tmpdir(), 'oss-cse-runtimes-'))
const emulator = await startOssEmulator()
const { endpoint, region, accessKeyId, accessKeySecret } = emulator
const options = JSON.stringify({ bucket: 'demo', endpoint, region, accessKeyId, accessKeySecret })

function run(name, command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { env: { ...process.env, EMULATOR: options }, stdio: 'pipe' })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    child.on('error', (error) => done(report(name, false, error.message)))
    child.on('close', (code) => done(report(name, code === 0, output)))
  })
}

function report(name, passed, output) {
  console.log(`${passed ? 'passed' : 'FAILED'}: ${name}: ${output.trim()}`)
  if (!passed) process.exitCode = 1
}

async function freePort() {
  const server = createServer()
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address()
  await new Promise((closed) => server.close(closed))
  return port
}

async function runInWorkerd() {
  await writeFile(
    join(directory, 'worker.mjs'),
    `import { FetchTransport } from ${JSON.stringify(here('../dist/index.js'))}
import { smokeCalls } from ${JSON.stringify(here('smoke-calls.mjs'))}
export default {
  async fetch(_request, { OPTIONS }) {
    try {
      return new Response(await smokeCalls(FetchTransport, JSON.parse(OPTIONS)))
    } catch (error) {
      return new Response(error.stack, { status: 500 })
    }
  },
}`,
  )
  await build({
    entryPoints: [join(directory, 'worker.mjs')],
    outfile: join(directory, 'bundle.mjs'),
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    logLevel: 'error',
  })
  const port = await freePort()
  await writeFile(
    join(directory, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "bundle.mjs", esModule = embed "bundle.mjs")],
      bindings = [(name = "OPTIONS", text = ${JSON.stringify(options)})],
      compatibilityDate = "2026-11-01",
    )),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`,
  )
  const child = spawn(join(modules, '.bin/workerd'), ['serve', join(directory, 'config.capnp')], {
    stdio: 'inherit',
  })
  try {
    for (let attempt = 0; ; attempt++) {
      await new Promise((waited) => setTimeout(waited, 100))
      const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
      if (response !== undefined) return report('workerd', response.ok, await response.text())
      if (attempt > 100) return report('workerd', false, 'It does not respond.')
    }
  } finally {
    child.kill()
  }
}

await run('Node.js', process.execPath, [here('smoke-main.mjs')])
await run('Deno', join(modules, '.bin/deno'), [
  'run',
  '--node-modules-dir=manual',
  '--allow-all',
  here('smoke-main.mjs'),
])
await run('Bun', join(modules, '@oven/bun-linux-x64/bin/bun'), [here('smoke-main.mjs')])
await runInWorkerd()
await emulator.close()
await rm(directory, { recursive: true })
