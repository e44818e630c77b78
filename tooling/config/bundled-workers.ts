import { basename } from 'node:path'
import type { Rolldown } from 'tsdown'

/**
 * Lets a bundle find the worker files of the packages in it. A package looks for its worker by name, but a bundle brings
 * its own copy, of the same version, and works without the package.
 *
 * @param workers - the names of the files beside the bundle, without `.cjs`, by what packages pass to
 * `import.meta.resolve`
 */
export function bundledWorkers(workers: Readonly<Record<string, string>>): Rolldown.Plugin {
  return {
    name: 'bundled-workers',
    transform(code, id) {
      if (!code.includes('import.meta.resolve(')) return
      return code.replaceAll(/import\.meta\.resolve\(["']([^"']+)["']\)/g, (_call, name: string) => {
        const file = workers[name]
        if (file === undefined) throw new Error(`${basename(id)} resolves ${name}, which is not bundled.`)
        return `new URL(${JSON.stringify(`./${file}.cjs`)}, import.meta.url).href`
      })
    },
  }
}
