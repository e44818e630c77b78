import type { Rolldown, UserConfig } from 'tsdown'

/**
 * How a worker is built that browsers start from its text: with all that it imports, minified, as a module that exports the
 * text as `source`. A page then needs no file of the worker's own, which not every bundler would find.
 *
 * @param entry - the worker's file, by the name of the module
 */
export function workerText(entry: Record<string, string>): UserConfig {
  return {
    entry,
    platform: 'browser',
    format: 'iife',
    target: 'es2023',
    fixedExtension: false,
    tsconfig: 'tsconfig.build.json',
    minify: true,
    dts: false,
    outputOptions: { entryFileNames: '[name].js' },
    deps: { alwaysBundle: [/./], onlyBundle: false },
    inputOptions: { resolve: { conditionNames: ['browser', 'import', 'default'] } },
    plugins: [withoutPortableEngines(), exportedText()],
  }
}

/** What the portable engines import. */
const PORTABLE = ['ctr', 'gcm', 'hkdf', 'hmac', 'sha256']

/** Leaves out the engines for runtimes without WebCrypto. The worker is started only where there is WebCrypto. */
function withoutPortableEngines(): Rolldown.Plugin {
  return {
    name: 'without-portable-engines',
    load(id) {
      if (!id.includes('/@noble/')) return undefined
      return PORTABLE.map((name) => `export const ${name} = undefined`).join('\n')
    },
  }
}

function exportedText(): Rolldown.Plugin {
  return {
    name: 'exported-text',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') file.code = `export const source = ${JSON.stringify(file.code)}\n`
      }
    },
  }
}
