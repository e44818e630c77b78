import { defineConfig, type UserConfig } from 'tsdown'

const common: UserConfig = {
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  deps: { neverBundle: [/^node:/, /^#/, /^@oss-cse\//] },
  fixedExtension: false,
  tsconfig: 'tsconfig.build.json',
}

export default defineConfig([
  {
    ...common,
    entry: {
      index: 'src/index.ts',
      node: 'src/node.ts',
      'http-get.node': 'src/read/http-get.node.ts',
      'http-get.web': 'src/read/http-get.web.ts',
    },
    dts: { generator: 'oxc', sourcemap: false },
  },
  {
    ...common,
    // Not for callers, and so without types: the only code of the package that takes a content key from outside its file.
    entry: {
      'file-runs.node': 'src/cipher/file-runs.node.ts',
      'file-runs.web': 'src/cipher/file-runs.web.ts',
      'file-cipher-worker.node': 'src/cipher/file-cipher-worker.node.ts',
    },
    dts: false,
  },
])
