import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/http-get.node.ts',
    'src/http-get.web.ts',
    'src/node.ts',
    'src/file-cipher-worker.node.ts',
  ],
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  deps: { neverBundle: [/^node:/, /^@oss-cse\//] },
  fixedExtension: false,
  tsconfig: 'tsconfig.build.json',
  dts: { generator: 'oxc', sourcemap: false },
})
