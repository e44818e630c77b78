import { testProject } from '@oss-cse/config/test-project'

export default testProject
