import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'

const pages = fileURLToPath(new URL('pages/', import.meta.url))

/** Each bundler as a user runs it: with an entry point, and no plugin, alias or condition. */
export const BUNDLERS = {
  async esbuild(entry: string, { minify = false }: { readonly minify?: boolean } = {}): Promise<string> {
    const { outputFiles } = await esbuild({
      entryPoints: [`${pages}${entry}`],
      bundle: true,
      write: false,
      minify,
      logLevel: 'error',
    })
    return outputFiles[0]?.text ?? ''
  },

  async vite(entry: string): Promise<string> {
    const built = await vite({
      root: pages,
      configFile: false,
      logLevel: 'error',
      build: { write: false, rolldownOptions: { input: `${pages}${entry}` } },
    })
    const { output } = [built].flat()[0] as { output: readonly { type: string; code?: string }[] }
    if (output.length !== 1) throw new Error(`${entry} became ${output.length} files`)
    return output[0]?.code ?? ''
  },
}
