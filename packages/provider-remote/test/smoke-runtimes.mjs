/**
 * Runs a page and its key server in other runtimes, on the built output. Not in CI: the runtimes take 350 MB.
 * `npm install deno workerd` in another folder, then:
 *
 *   node test/smoke-runtimes.mjs FOLDER
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const binary = (name) => join(resolve(process.argv[2] ?? '.'), 'node_modules/.bin', name)
const directory = await mkdtemp(join(tmpdir(), 'oss-cse-runtimes-'))

function report(name, passed, output) {
  console.log(`${passed ? 'passed' : 'FAILED'}: ${name}: ${output.trim()}`)
  if (!passed) process.exitCode = 1
}

function run(name, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  report(name, status === 0, error?.message ?? `${stdout}${stderr}`)
}

async function runInWorkerd() {
  await writeFile(
    join(directory, 'worker.mjs'),
    `import { smokePair } from ${JSON.stringify(here('smoke-pair.mjs'))}
export default {
  fetch: () => smokePair().then(
    (text) => new Response(text),
    (error) => new Response(error.stack, { status: 500 }),
  ),
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
  await writeFile(
    join(directory, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "bundle.mjs", esModule = embed "bundle.mjs")],
    compatibilityDate = "2026-11-01",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`,
  )
  const child = spawn(binary('workerd'), ['serve', '--control-fd=3', join(directory, 'config.capnp')], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  try {
    for await (const line of child.stdio[3]) {
      const { event, port } = JSON.parse(String(line))
      if (event !== 'listen') continue
      const response = await fetch(`http://127.0.0.1:${port}/`)
      return report('workerd', response.ok, await response.text())
    }
    report('workerd', false, 'It does not listen.')
  } finally {
    child.kill()
  }
}

run('Node.js', process.execPath, [here('smoke-main.mjs')])
run('Deno', binary('deno'), ['run', '--node-modules-dir=manual', here('smoke-main.mjs')])
await runInWorkerd()
await rm(directory, { recursive: true })
