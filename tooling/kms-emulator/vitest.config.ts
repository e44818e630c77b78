import { defineProject } from 'vitest/config'

export default defineProject({
  test: {
    name: 'kms-emulator',
    include: ['src/**/*.test.ts'],
    // Imports the vendor's CommonJS clients as Node.js does, and as their types say.
    deps: { interopDefault: false },
  },
})
