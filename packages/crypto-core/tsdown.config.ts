import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/aes-ctr.node.ts',
    'src/aes-ctr.web.ts',
    'src/aes-ctr.noble.ts',
    'src/testing/index.ts',
  ],
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  deps: { neverBundle: [/^node:/, /^@oss-cse\//] },
  fixedExtension: false,
  tsconfig: 'tsconfig.build.json',
  dts: { generator: 'oxc', sourcemap: false },
})
