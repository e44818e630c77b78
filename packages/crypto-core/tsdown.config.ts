import { library } from '@oss-cse/config/library'

export default library({
  entry: [
    'src/index.ts',
    'src/internal.ts',
    'src/aes-ctr.node.ts',
    'src/aes-ctr.web.ts',
    'src/aes-ctr.noble.ts',
    'src/digest-engine.node.ts',
    'src/digest-engine.web.ts',
    'src/digest-engine.noble.ts',
    'src/seal-engine.node.ts',
    'src/seal-engine.web.ts',
    'src/seal-engine.noble.ts',
    'src/testing/index.ts',
  ],
  platform: 'neutral',
})
