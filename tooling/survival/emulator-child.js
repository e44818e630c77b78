// An emulator in a process of its own, so that what it holds open does not count as its client's.
import { startOssEmulator } from '@oss-cse/oss-emulator'

const { endpoint, region, accessKeyId, accessKeySecret, buckets } = await startOssEmulator({
  ...JSON.parse(process.argv[2]),
  maxRecordedRequests: 1,
})
process.send({ endpoint, region, accessKeyId, accessKeySecret, bucket: buckets[0] })
process.on('disconnect', () => process.exit())
