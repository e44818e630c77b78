import { readdir, readFile } from 'node:fs/promises'
import mime from 'mime'

const DIRECTORY = new URL('../dist/', import.meta.url)

/** The files of the built page, by the path of their URL. */
export async function storedPage() {
  const names = await readdir(DIRECTORY, { recursive: true, withFileTypes: true }).catch(() => {
    throw new Error('The page is not built: run "npx -y pnpm@12.21.0 web" at the root of the repository.')
  })
  const root = DIRECTORY.pathname
  const files = new Map()
  for (const entry of names.filter((found) => found.isFile())) {
    const path = `${entry.parentPath}/${entry.name}`.replace('//', '/')
    files.set(`/${path.slice(root.length)}`, { bytes: await readFile(path), type: mime.getType(path) })
  }
  files.set('/', files.get('/index.html'))
  return files
}
