import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    node: 'src/node.ts',
    'http-get.node': 'src/read/http-get.node.ts',
    'http-get.web': 'src/read/http-get.web.ts',
    'file-cipher-worker.node': 'src/cipher/file-cipher-worker.node.ts',
  },
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  deps: { neverBundle: [/^node:/, /^@oss-cse\//] },
  fixedExtension: false,
  tsconfig: 'tsconfig.build.json',
  dts: { generator: 'oxc', sourcemap: false },
})
