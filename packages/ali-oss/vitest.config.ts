import { defineProject } from 'vitest/config'
import { shared } from '../../vitest.shared.ts'

export default defineProject({
  test: {
    ...shared,
    name: 'ali-oss',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Imports the vendor's CommonJS client as Node.js does, and as its types say.
    deps: { interopDefault: false },
  },
})
