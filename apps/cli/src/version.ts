import { readFileSync } from 'node:fs'

/** The package's version. */
export function packageVersion(): string {
  // One level up both from src/ and from dist/.
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
