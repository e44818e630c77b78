import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  platform: 'node',
  target: 'es2023',
  fixedExtension: false,
  tsconfig: 'tsconfig.build.json',
  dts: false,
})
