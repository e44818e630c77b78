import { defineProject } from 'vitest/config'

export default defineProject({
  test: { name: 'kms-emulator', include: ['src/**/*.test.ts'] },
})
