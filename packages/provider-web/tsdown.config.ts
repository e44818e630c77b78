import { library } from '@oss-cse/config/library'

export default library({ entry: ['src/index.ts'], platform: 'neutral' })
