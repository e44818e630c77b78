import { defineProject } from 'vitest/config'

export default defineProject({
  test: {
    name: 'ali-oss',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    // Imports the vendor's CommonJS client as Node.js does, and as its types say.
    deps: { interopDefault: false },
  },
})
