import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BASELINE, OURS } from './peer-names.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The command lines to measure: ours, and that of the baseline if there is one.
 *
 * @param {string} [baseline] - the directory of another checkout
 * @returns {Record<string, readonly string[]>} the command of each, by the name of the contender
 */
export function cliPrograms(baseline) {
  const program = (directory) => [process.execPath, join(directory, 'apps/cli/bin/oss-cse.js')]
  return { [OURS]: program(ROOT), ...(baseline !== undefined && { [BASELINE]: program(baseline) }) }
}

/**
 * The variables in which the command line finds a server.
 *
 * @param {{ endpoint: string, region: string, accessKeyId: string, accessKeySecret: string }} service
 * @returns {Record<string, string>}
 */
export function cliEnvironment({ endpoint, region, accessKeyId, accessKeySecret }) {
  return {
    OSS_ENDPOINT: endpoint,
    OSS_REGION: region,
    OSS_ACCESS_KEY_ID: accessKeyId,
    OSS_ACCESS_KEY_SECRET: accessKeySecret,
  }
}
