import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import { build as viteBuild } from 'vite'

const ENTRY = fileURLToPath(new URL('bundled-page.ts', import.meta.url))

/** The files of a page, by name. The script of the page is `page.js`. */
type Files = ReadonlyMap<string, string | Uint8Array>

/** The bundlers, with no settings but the entry point and where the output goes. */
const BUNDLERS: Record<string, () => Promise<Files>> = {
  esbuild: () => byEsbuild({ format: 'esm' }),
  'esbuild-split': () => byEsbuild({ format: 'esm', splitting: true }),
  'esbuild-script': () => byEsbuild({ format: 'iife' }),
  vite: byVite,
}

async function byEsbuild(options: {
  readonly format: 'esm' | 'iife'
  readonly splitting?: boolean
}): Promise<Files> {
  const { outputFiles } = await esbuild({
    ...options,
    entryPoints: { page: ENTRY },
    bundle: true,
    minify: true,
    outdir: '/',
    write: false,
    logLevel: 'error',
  })
  return new Map(outputFiles.map(({ path, contents }) => [path.slice(1), contents]))
}

async function byVite(): Promise<Files> {
  const built = await viteBuild({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      rolldownOptions: { input: { page: ENTRY }, output: { entryFileNames: '[name].js' } },
    },
  })
  const output = [built].flat().flatMap((result) => ('output' in result ? result.output : []))
  return new Map(output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]))
}

/** Pages that bundlers built, on a server of their own. */
export interface BundledPages {
  /** The addresses of the pages, by the names of the bundlers. */
  readonly urls: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Builds a page with each bundler, and serves them. */
export async function serveBundledPages(): Promise<BundledPages> {
  const sites = new Map<string, Files>()
  for (const [name, bundle] of Object.entries(BUNDLERS)) sites.set(name, await bundle())
  const server = createServer(({ url = '' }, response) => {
    const [, site = '', ...path] = url.split('/')
    const content = sites.get(site)?.get(path.join('/'))
    const type = site === 'esbuild-script' ? '' : 'type="module"'
    if (path.join('/') === '')
      response.setHeader('content-type', 'text/html').end(`<script ${type} src="page.js"></script>`)
    else if (content === undefined) response.writeHead(404).end()
    else response.setHeader('content-type', 'text/javascript').end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  return {
    urls: Object.fromEntries([...sites.keys()].map((name) => [name, `http://localhost:${port}/${name}/`])),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
