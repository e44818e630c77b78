import { defineProject } from 'vitest/config'

export default defineProject({
  test: {
    name: 'e2e',
    include: ['src/**/*.test.ts'],
    testTimeout: 60_000,
    // Imports the vendor's CommonJS clients as Node.js does, and as their types say.
    deps: { interopDefault: false },
  },
})
