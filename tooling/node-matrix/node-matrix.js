#!/usr/bin/env node
// node-matrix <script> [args…]: runs a script once under each Node.js that this package pins.
// node-matrix --list: prints the path of each of those binaries, one a line.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const { optionalDependencies } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
const pinned = process.platform === 'linux' && process.arch === 'x64'
const runs = pinned
  ? Object.keys(optionalDependencies).map((name) => [
      name,
      fileURLToPath(new URL(`./node_modules/${name}/bin/node`, import.meta.url)),
    ])
  : [['this node only', process.execPath]]

const args = process.argv.slice(2)
if (args[0] === '--list') {
  console.log(runs.map(([, node]) => node).join('\n'))
  process.exit(0)
}

const failed = []
for (const [name, node] of runs) {
  const { status, error } = spawnSync(node, args, { stdio: 'inherit' })
  if (status !== 0) failed.push(`${name} (${error?.message ?? `exit ${status}`})`)
}
if (failed.length > 0) {
  console.error(`node-matrix: failed on ${failed.join(', ')}`)
  process.exit(1)
}
console.log(`node-matrix: passed on ${runs.map(([name]) => name).join(', ')}`)
