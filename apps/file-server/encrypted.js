import { CryptoOSS as OSS } from '@oss-cse/ali-oss'
import { fileServer } from './file-server.js'
import { port, settings } from './settings.js'

const client = new OSS(settings)
const server = fileServer(client)
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
