import { testLimits } from '@oss-cse/config/test-project'
import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { ...testLimits, include: ['test/*.test.js'] } })
