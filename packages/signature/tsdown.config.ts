import { library } from '@oss-cse/config/library'

export default library({ entry: ['src/index.node.ts', 'src/index.web.ts'], platform: 'neutral' })
