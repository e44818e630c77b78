import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'provider-kms', include: ['src/**/*.test.ts'] },
})
