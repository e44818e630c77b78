import { library } from '@oss-cse/config/library'

export default library({
  entry: ['src/index.ts', 'src/node.ts', 'src/testing/index.ts'],
  platform: 'neutral',
})
