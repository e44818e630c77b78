import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The top of the repository, with a slash at the end. */
export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

/** A file of the repository, by its path from the top. */
export function readRepositoryFile(path: string): string {
  return readFileSync(ROOT + path, 'utf8')
}

/** Every page of documentation that a reader may open, by its path from the top. */
export function documentationPages(): readonly string[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith('.md'))
  const docs = readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
  const readmes = ['packages', 'apps', 'tooling'].flatMap((folder) =>
    readdirSync(ROOT + folder).flatMap((name) =>
      readdirSync(`${ROOT}${folder}/${name}`).includes('README.md') ? [`${folder}/${name}/README.md`] : [],
    ),
  )
  return [...top, ...docs, ...readmes].sort()
}
