import { fileURLToPath } from 'node:url'
import { testProject } from '@oss-cse/config/test-project'
import { mergeConfig } from 'vitest/config'

const fileRuns = fileURLToPath(new URL('src/cipher/file-runs.node.ts', import.meta.url))

// The source, not what was built of it: tests and the code that they test must share one thread.
export default mergeConfig(testProject, { resolve: { alias: { '#file-runs': fileRuns } } })
