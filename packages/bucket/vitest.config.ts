import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'bucket', include: ['src/**/*.test.ts'] },
})
