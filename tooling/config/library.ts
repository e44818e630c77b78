import type { UserConfig } from 'tsdown'

/** What differs from package to package. */
interface Library {
  /** The files that become entry points; by name, where a name is not that of its file. */
  readonly entry: string[] | Record<string, string>
  /** `node`, or `neutral` for what browsers run too. */
  readonly platform?: 'node' | 'neutral'
  /** Whether the package has types: not when nobody imports it. */
  readonly types?: boolean
}

/** How a package is built for publication: its `tsdown.config.ts` calls this with what differs. */
export function library({ entry, platform = 'node', types = true }: Library): UserConfig {
  return {
    entry,
    platform,
    format: 'esm',
    target: 'es2023',
    fixedExtension: false,
    tsconfig: 'tsconfig.build.json',
    dts: types && { generator: 'oxc', sourcemap: false },
    // A neutral build knows no module of Node.js by itself. Its user's runtime resolves them, and the conditional exports.
    ...(platform === 'neutral' && { deps: { neverBundle: [/^node:/, /^#/, /^@oss-cse\//] } }),
  }
}
