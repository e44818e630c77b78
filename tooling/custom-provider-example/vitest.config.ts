import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'custom-provider-example', include: ['src/**/*.test.ts'] },
})
