import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** oss2 and its successor compute the CRC-64 in C, or some hundred times slower where that could not be compiled. */
const PYTHON = `
import platform, sys, crcmod.crcmod
compiled = sys.modules['crcmod.crcmod']._usingExtension
print(f"Python {platform.python_version()}, crcmod {'in C' if compiled else 'NOT in C'}")
`

const runtimeOf = {
  node: async () => `Node.js ${process.version.slice(1)}`,
  python: async ([python]) => (await execute(python, ['-c', PYTHON])).stdout.trim(),
  go: async ([driver]) => (await execute('go', ['version', driver])).stdout.trim().replace(/^.*: go/, 'Go '),
  java: async ([java]) => (await execute(java, ['--version'])).stdout.split('\n', 1)[0],
}

/**
 * What runs an SDK's driver, with its version.
 *
 * @param {keyof typeof runtimeOf} language
 * @param {readonly string[]} command - of the driver
 * @returns {Promise<string>}
 */
export function describeRuntime(language, command) {
  return runtimeOf[language](command)
}
