import { library } from '@oss-cse/config/library'

export default library({ entry: ['src/main.ts'], types: false })
