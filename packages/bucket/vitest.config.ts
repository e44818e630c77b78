import { fileURLToPath } from 'node:url'
import { defineProject } from 'vitest/config'
import { shared } from '../../vitest.shared.ts'

export default defineProject({
  // The sources, not what was built of them: tests and the code that they test must share one thread.
  resolve: {
    alias: { '#file-runs': fileURLToPath(new URL('src/cipher/file-runs.node.ts', import.meta.url)) },
  },
  test: { ...shared, name: 'bucket', include: ['{src,test}/**/*.test.ts'] },
})
