import { library } from '@oss-cse/config/library'
import { workerText } from '@oss-cse/config/worker-text'

export default [
  library({
    entry: {
      index: 'src/index.ts',
      internal: 'src/internal.ts',
      http: 'src/http.ts',
      node: 'src/node.ts',
      read: 'src/read.ts',
      web: 'src/web.ts',
      'file-cipher-worker.node': 'src/cipher/file-cipher-worker.node.ts',
    },
    platform: 'neutral',
  }),
  // Not for callers, and so without types: what is handed content keys across the package's own imports.
  library({
    entry: {
      'file-runs.node': 'src/cipher/file-runs.node.ts',
      'file-runs.web': 'src/cipher/file-runs.web.ts',
      'start-worker.web': 'src/cipher/start-worker.web.ts',
    },
    platform: 'neutral',
    types: false,
  }),
  workerText({ 'part-worker.web': 'src/cipher/part-worker.web.ts' }),
  workerText({ 'file-worker.web': 'src/files/file-worker.web.ts' }),
]
