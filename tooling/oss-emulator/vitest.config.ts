import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'oss-emulator', include: ['src/**/*.test.ts'] },
})
