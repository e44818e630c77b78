import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'transport-oss', include: ['src/**/*.test.ts'] },
})
