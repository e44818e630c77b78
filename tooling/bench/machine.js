import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { cpuFeatures } from './cpu-features.js'

const CPU_INFO = '/proc/cpuinfo'

/** Where the figures are from: they mean nothing without it. */
export function describeMachine() {
  const require = createRequire(import.meta.url)
  const { version } = JSON.parse(readFileSync(require.resolve('ali-oss/package.json'), 'utf8'))
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpuFeatures: existsSync(CPU_INFO) ? cpuFeatures(readFileSync(CPU_INFO, 'utf8')) : undefined,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
    openssl: process.versions.openssl,
    aliOss: version,
  }
}
