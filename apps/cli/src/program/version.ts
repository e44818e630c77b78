import { createRequire } from 'node:module'

/** The package's version. */
export function packageVersion(): string {
  // By the package's own name, because the depth of this file in src/ differs from that of the built file in dist/.
  const manifest = createRequire(import.meta.url)('@oss-cse/cli/package.json') as { version: string }
  return manifest.version
}
