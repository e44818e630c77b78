import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'crypto-core', include: ['src/**/*.test.ts'] },
})
