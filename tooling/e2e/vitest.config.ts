import { defineProject } from 'vitest/config'
import { shared } from '../../vitest.shared.ts'

export default defineProject({
  test: {
    ...shared,
    name: 'e2e',
    include: ['src/**/*.test.ts'],
    exclude: ['src/**/*.browser.test.ts'],
    // Imports the vendor's CommonJS clients as Node.js does, and as their types say.
    deps: { interopDefault: false },
  },
})
