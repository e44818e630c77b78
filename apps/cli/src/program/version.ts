import { createRequire } from 'node:module'

/** The package's version. */
export function packageVersion(): string {
  // By the package's own name: this file lies deeper in src/ than what is built of it does in dist/.
  const manifest = createRequire(import.meta.url)('@oss-cse/cli/package.json') as { version: string }
  return manifest.version
}
