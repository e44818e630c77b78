// The emulator of OSS in a process of its own, so that what it needs does not count as its client's.
import { startOssEmulator } from '@oss-cse/oss-emulator'
import { wrongBytes } from './sent-bytes.js'

const emulator = await startOssEmulator({ maxRecordedRequests: 1 })
const [bucket] = emulator.buckets

process.on('message', async ({ key, sourcePath, privateKey }) => {
  const { headers, bytes } = await emulator.getStoredObject(bucket, key)
  process.send({ wrong: wrongBytes({ headers, chunks: [bytes], sourcePath, privateKey }) })
})
process.on('disconnect', () => process.exit())
const { endpoint, region, accessKeyId, accessKeySecret } = emulator
process.send({ endpoint, region, accessKeyId, accessKeySecret, bucket })
