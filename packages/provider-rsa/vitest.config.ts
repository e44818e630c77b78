import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'provider-rsa', include: ['src/**/*.test.ts'] },
})
