import assert from 'node:assert/strict'
import { startOssEmulator } from '@oss-cse/oss-emulator'

const emulator = await startOssEmulator()
const response = await fetch(`${emulator.endpoint}/demo/object`)
assert.equal(response.status, 403)
assert.equal(response.headers.get('x-oss-ec'), '0003-00000001')
assert.match(await response.text(), /<Code>AccessDenied<\/Code>/)
await emulator.close()
console.log(`smoke ok on ${process.version}`)
