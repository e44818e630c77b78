import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  platform: 'node',
  target: 'es2023',
  fixedExtension: false,
  tsconfig: 'tsconfig.build.json',
  dts: { generator: 'oxc', sourcemap: false },
})
