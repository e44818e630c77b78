import { defineProject } from 'vitest/config'
import { shared } from '../../vitest.shared.ts'

export default defineProject({
  test: { ...shared, name: 'provider-kms', include: ['src/**/*.test.ts'] },
})
