import { fileURLToPath } from 'node:url'
import { bundledWorkers } from '@oss-cse/config/bundled-workers'
import { library } from '@oss-cse/config/library'
import { thirdPartyLicences } from '@oss-cse/config/third-party-licences'
import type { Rolldown, UserConfig } from 'tsdown'

/** What the threads of the packages in the bundle load, each in a file of its own. */
const WORKERS = {
  '@oss-cse/bucket/file-cipher-worker': 'file-cipher-worker',
  '@oss-cse/transport-oss/worker-side': 'worker-side',
  '@oss-cse/provider-rsa/unwrap-worker': 'unwrap-worker',
}

/** What of others the files for threads contain. The bundle has it too, and only for it the licences are written. */
const OF_OTHERS: Readonly<Record<string, string[]>> = {
  '@oss-cse/bucket/file-cipher-worker': ['is-network-error', 'p-retry'],
}

/**
 * What `put` and `get` always need, in one file: it takes longer to find and open many files than to load a large one.
 * With them comes what they import, such as commander.
 */
const TRANSFERS =
  /[\\/](?:packages[\\/](?:bucket|crc64|crypto-core|provider-rsa|signature|transport-oss)[\\/]dist|apps[\\/]cli[\\/]src[\\/](?:main\.ts|commands[\\/](?:get|put)\.ts|(?:base|keys|output|server|transfer)[\\/].*))/
/** What of it only some of their runs need. */
const RARE =
  /[\\/](?:confirm|cors-origin|cors-rules|keyring-file|emulator-connection|load-emulator|start-emulators)\.ts$/

/** What the commands of `fleet` load when one of them runs, also in one file. Their options are elsewhere. */
const FLEETS =
  /[\\/](?:packages[\\/]fleet[\\/]dist|node_modules[\\/](?:csv-stringify|p-map)|apps[\\/]cli[\\/]src[\\/]fleet)[\\/]|[\\/]output[\\/]confirm\.ts$/
const FLEET_OPTIONS =
  /[\\/](?:commands[\\/]fleet(?:\.ts|[\\/].*)|fleet[\\/](?:fleet-options|queue-address|require-node|run-help|run-id)\.ts)$/

/** Leaves out what commander needs only for commands that are programs of their own. This program has none. */
const withoutChildProcesses: Rolldown.Plugin = {
  name: 'without-child-processes',
  resolveId: (id, importer) =>
    id === 'node:child_process' && /[\\/]commander[\\/]/.test(importer ?? '')
      ? '\0no-child-processes'
      : undefined,
  load: (id) => (id === '\0no-child-processes' ? 'module.exports = {}' : undefined),
}

/**
 * CommonJS, because Node.js starts it sooner. An `import` of `node:http` in an ES module reads all exports of that module,
 * and so loads WebSocket and fetch. The code is not minified: with the cache for compiled code, that gains nothing.
 */
function bundle(entry: Readonly<Record<string, string>>): UserConfig {
  return {
    ...library({ entry, types: false }),
    format: 'cjs',
    plugins: [bundledWorkers(WORKERS)],
  }
}

export default [
  {
    ...bundle({ start: 'src/start.ts' }),
    plugins: [bundledWorkers(WORKERS), withoutChildProcesses, thirdPartyLicences('THIRD-PARTY-LICENCES.txt')],
    outputOptions: {
      comments: { legal: true, annotation: false, jsdoc: false },
      codeSplitting: {
        groups: [
          { name: 'transfers', test: (id: string) => TRANSFERS.test(id) && !RARE.test(id) },
          { name: 'fleet', test: FLEET_OPTIONS },
          { name: 'runs', test: FLEETS },
        ],
      },
    },
    // The demo uses in one step what the commands load when they need it.
    checks: { ineffectiveDynamicImport: false },
    deps: {
      onlyBundle: [
        'ansi-regex',
        'cli-progress',
        'commander',
        'csv-parse',
        'csv-stringify',
        'emoji-regex',
        'is-fullwidth-code-point',
        'is-network-error',
        'mime',
        'p-map',
        'p-retry',
        'picocolors',
        'pure-rand',
        'string-width',
        'strip-ansi',
        'valibot',
      ],
    },
  },
  ...Object.entries(WORKERS).map(
    ([name, file]): UserConfig => ({
      ...bundle({ [file]: fileURLToPath(import.meta.resolve(name)) }),
      deps: { onlyBundle: OF_OTHERS[name] ?? [] },
    }),
  ),
] satisfies UserConfig[]
