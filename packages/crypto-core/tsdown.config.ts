import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/aes-ctr.node.ts',
    'src/aes-ctr.web.ts',
    'src/aes-ctr.noble.ts',
    'src/sha256.node.ts',
    'src/sha256.web.ts',
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
