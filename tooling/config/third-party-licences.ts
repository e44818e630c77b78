import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Rolldown } from 'tsdown'

/**
 * Writes the licences of all packages that a bundle contains, but those of this repository, into one file beside it.
 * Their licences ask for that.
 *
 * @param fileName - the name of that file
 */
export function thirdPartyLicences(fileName: string): Rolldown.Plugin {
  return {
    name: 'third-party-licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      const packages = new Set(modules.filter((id) => id.includes('node_modules')).map(packageDirectory))
      const notices = [...packages].map(notice).sort()
      this.emitFile({ type: 'asset', fileName, source: `${notices.join(`\n${'-'.repeat(80)}\n\n`)}` })
    },
  }
}

function packageDirectory(file: string): string {
  const directory = dirname(file.replace(/^\0/, ''))
  // Some packages have manifests without a name inside, which only say how a directory is to be loaded.
  return isPackage(directory) ? directory : packageDirectory(directory)
}

function isPackage(directory: string): boolean {
  const manifest = join(directory, 'package.json')
  return existsSync(manifest) && 'name' in JSON.parse(readFileSync(manifest, 'utf8'))
}

function notice(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const file = readdirSync(directory).find((entry) => /^licen[cs]e(?:[.-]|$)/i.test(entry))
  if (file === undefined) throw new Error(`${name} ${version} has no file with its licence.`)
  return `${name} ${version} (${license})\n\n${readFileSync(join(directory, file), 'utf8').trim()}\n`
}
